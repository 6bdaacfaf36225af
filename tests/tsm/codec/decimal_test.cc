#include "tsm/codec/decimal.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/tsm/codec/coded_column.h"

namespace varve::tsm::codec {
namespace {

// What an encoder writes and a decoder makes of it.
std::vector<double> Restored(const std::vector<double>& values, const Decimals& decimals) {
  std::vector<double> restored(values.size());
  if (decimals.single) {
    RestoreSingleDecimals(decimals.words, decimals.exponent, restored);
  } else {
    RestoreDecimals(decimals.words, decimals.exponent, restored);
  }
  if (!decimals.corrections.empty()) CorrectDecimals(decimals.corrections, restored);
  for (const uint64_t at : decimals.exceptions) restored[at] = values[at];
  return restored;
}

Decimals Find(const std::vector<double>& values) {
  const auto decimals = FindDecimals(values);
  if (!decimals) {
    ADD_FAILURE() << "no decimals";
    return {};
  }
  EXPECT_TRUE(samples::SameValues(values, Restored(values, *decimals)));
  return *decimals;
}

TEST(DecimalTest, ExponentIsTheNumberOfDigitsBehindThePoint) {
  EXPECT_EQ(Find({1, 2, 3}).exponent, 0U);
  EXPECT_EQ(Find({0.1, 2, -3.7}).exponent, 1U);
  EXPECT_EQ(Find({21.45, 21.4}).exponent, 2U);
  EXPECT_EQ(Find({0.000001, 12.5}).exponent, 6U);
  EXPECT_EQ(Find({1e-22}).exponent, 22U);
}

TEST(DecimalTest, FifteenDigitsAreExact) {
  const Decimals decimals = Find({0.123456789012345, 0.987654321098765, 1.99999999999999});
  EXPECT_EQ(decimals.exponent, 15U);
  EXPECT_TRUE(decimals.exceptions.empty());
  EXPECT_TRUE(decimals.corrections.empty());
}

TEST(DecimalTest, WhatIsNoNumberIsAnException) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const Decimals decimals =
      Find({1.5, std::nan(""), 2.5, kInf, -kInf, 3.5, 1e300, 5e-324, 4.5, 1.25, 0.5, 7});
  EXPECT_EQ(decimals.exponent, 2U);
  EXPECT_EQ(decimals.exceptions.size(), 4U);  // the smallest denormal is next to zero
  EXPECT_EQ(decimals.words[1], decimals.words[0]);
}

TEST(DecimalTest, NegativeZeroIsACorrectionOfZero) {
  const Decimals decimals = Find({0.0, -0.0, 1, 2});
  EXPECT_TRUE(decimals.exceptions.empty());
  EXPECT_EQ(decimals.corrections, (std::vector<uint64_t>{0, ~uint64_t{0}, 0, 0}));
}

TEST(DecimalTest, ArithmeticLeavesSmallCorrections) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(100 - i * 0.013 - (i % 7) * 0.1);
  const Decimals decimals = Find(values);
  EXPECT_EQ(decimals.exponent, 3U);
  EXPECT_TRUE(decimals.exceptions.empty());
}

TEST(DecimalTest, FewLongValuesDoNotSpoilManyShortOnes) {
  std::vector<double> values(1000, 0.5);
  values[17] = values[400] = 1.0 / 3;
  const Decimals decimals = Find(values);
  EXPECT_EQ(decimals.exponent, 1U);
  EXPECT_EQ(decimals.exceptions, (std::vector<uint64_t>{17, 400}));
}

TEST(DecimalTest, DigitsOutsideTheSampleAreFound) {
  std::vector<double> values(1000, 0.5);
  for (size_t i = 1; i < values.size(); i += 2) values[i] = 0.125;
  for (size_t i = 0; i < 32; ++i) values[i * values.size() / 32] = 1;
  EXPECT_EQ(Find(values).exponent, 3U);
}

// Whatever the machine restores with, it is the quotient that the encoder verified.
TEST(DecimalTest, RestoringRoundsAsDivisionDoes) {
  std::mt19937_64 random(17);
  std::vector<uint64_t> words(256);
  std::vector<double> restored(words.size());
  double power = 1;
  for (unsigned exponent = 0; exponent <= kDecimalExponentMax; ++exponent, power *= 10) {
    for (int round = 0; round < 50; ++round) {
      for (uint64_t& word : words) {
        const uint64_t magnitude = random() >> (13 + random() % 51);
        word = random() % 2 == 0 ? magnitude : -magnitude;
      }
      words[0] = 0;
      words[1] = (uint64_t{1} << 51) - 1;
      RestoreDecimals(words, exponent, restored);
      for (size_t i = 0; i < words.size(); ++i) {
        const double expected = static_cast<double>(static_cast<int64_t>(words[i])) / power;
        ASSERT_EQ(std::bit_cast<uint64_t>(restored[i]), std::bit_cast<uint64_t>(expected))
            << static_cast<int64_t>(words[i]) << " / 10^" << exponent;
      }
    }
  }
}

TEST(DecimalTest, SinglePrecisionDecimals) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) {
    values.push_back(static_cast<double>(static_cast<float>(i * 7 % 1000) / 10.0F));
  }
  const Decimals decimals = Find(values);
  EXPECT_TRUE(decimals.single);
  EXPECT_EQ(decimals.exponent, 1U);
  EXPECT_TRUE(decimals.exceptions.empty());
}

}  // namespace
}  // namespace varve::tsm::codec
