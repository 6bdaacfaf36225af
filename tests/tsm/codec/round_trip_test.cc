// Every type, every kind of column, many counts, hot and cold: what is decoded is what was encoded,
// and nothing takes much more room than the values themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/tsm/codec/coded_column.h"
#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm {
namespace {

constexpr size_t kCounts[] = {1,  2,   3,    4,    5,    7,    8,    63,   64,
                              65, 100, 1000, 1023, 1024, 1025, 1026, 2050, 8192};

template <typename T>
void ExpectRoundTrip(const std::string& name, const std::vector<T>& values, size_t bytes_max) {
  for (const bool cold : {false, true}) {
    const std::string block = samples::Encode(values, {.cold = cold});
    SCOPED_TRACE("sample=" + name + " count=" + std::to_string(values.size()) +
                 (cold ? " cold" : " hot") + " codec=" + CodecName(block));
    EXPECT_LE(block.size(), bytes_max);
    std::vector<T> decoded(values.size());
    const absl::Status status = samples::Decode(samples::ExactBytes(block).view(), decoded);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_TRUE(samples::SameValues(values, decoded));
  }
}

template <typename Samples>
void ExpectAllRoundTrip(Samples make, size_t bytes_per_value) {
  for (const size_t n : kCounts) {
    for (const auto& sample : make(n, 42 + n)) {
      ExpectRoundTrip(sample.name, sample.values, 16 + bytes_per_value * n + n / 64);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(RoundTripTest, Floats) { ExpectAllRoundTrip(samples::Floats, 8); }
TEST(RoundTripTest, IntegersAndTimes) { ExpectAllRoundTrip(samples::Integers, 8); }
TEST(RoundTripTest, Booleans) { ExpectAllRoundTrip(samples::Booleans, 1); }
TEST(RoundTripTest, Strings) { ExpectAllRoundTrip(samples::Texts, 100); }

TEST(RoundTripTest, UnsignedsAroundTheEndOfTheSignedRange) {
  for (const size_t n : kCounts) {
    std::vector<uint64_t> values;
    for (size_t i = 0; i < n; ++i) values.push_back((uint64_t{1} << 63) - 5 + i * 7 % 11);
    ExpectRoundTrip("around 2^63", values, 40 + n);
  }
}

// The first values of a block, whatever its codec.
template <typename Samples, typename Decode>
void ExpectPrefixes(Samples make, Decode decode) {
  for (const bool cold : {false, true}) {
    for (const size_t n : kCounts) {
      for (const auto& [name, values] : make(n, 7 + n)) {
        const std::string block = samples::Encode(values, {.cold = cold});
        for (const size_t wanted : {size_t{0}, size_t{1}, size_t{5}, n / 2, n - 1, n, n + 1}) {
          auto decoded = values;
          std::fill(decoded.begin(), decoded.end(), 0);
          ASSERT_TRUE(decode(block, decoded, wanted).ok()) << name;
          const size_t bytes = std::min(wanted, n) * sizeof(values[0]);
          ASSERT_EQ(std::memcmp(decoded.data(), values.data(), bytes), 0)
              << name << " n=" << n << " wanted=" << wanted << " codec=" << CodecName(block);
        }
      }
    }
  }
}
TEST(RoundTripTest, FirstIntegersOfABlock) {
  ExpectPrefixes(samples::Integers,
                 [](std::string_view block, std::vector<int64_t>& out, size_t wanted) {
                   return DecodeIntegers(block, out, wanted);
                 });
}
TEST(RoundTripTest, FirstFloatsOfABlock) {
  ExpectPrefixes(samples::Floats, [](std::string_view block, std::vector<double>& out,
                                     size_t wanted) { return DecodeFloats(block, out, wanted); });
}

TEST(RoundTripTest, EncodersKeepWhatIsThere) {
  std::string out = "kept";
  EncodeIntegers(std::vector<int64_t>{1, 5, 2}, {}, out);
  const size_t first = out.size();
  EncodeFloats(std::vector<double>{1.5}, {}, out);
  EXPECT_EQ(out.substr(0, 4), "kept");
  std::vector<int64_t> integers(3);
  ASSERT_TRUE(DecodeIntegers(std::string_view(out).substr(4, first - 4), integers).ok());
  EXPECT_EQ(integers, (std::vector<int64_t>{1, 5, 2}));
  std::vector<double> floats(1);
  ASSERT_TRUE(DecodeFloats(std::string_view(out).substr(first), floats).ok());
  EXPECT_EQ(floats[0], 1.5);
}

// Columns glued together from pieces of different character.
template <typename T, typename Samples>
void ExpectGluedColumnsRoundTrip(Samples make, int rounds, size_t bytes_per_value) {
  for (int seed = 0; seed < rounds; ++seed) {
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    std::vector<T> column;
    const size_t pieces = 1 + random() % 4;
    for (size_t p = 0; p < pieces; ++p) {
      const size_t n = 1 + random() % (random() % 4 == 0 ? 2000 : 60);
      const auto all = make(n, random());
      const auto& piece = all[random() % all.size()].values;
      column.insert(column.end(), piece.begin(), piece.end());
    }
    ExpectRoundTrip("seed " + std::to_string(seed), column,
                    40 + bytes_per_value * column.size() + column.size() / 64);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(RoundTripTest, GluedFloats) { ExpectGluedColumnsRoundTrip<double>(samples::Floats, 150, 8); }
TEST(RoundTripTest, GluedIntegers) {
  ExpectGluedColumnsRoundTrip<int64_t>(samples::Integers, 150, 8);
}
TEST(RoundTripTest, GluedBooleans) {
  ExpectGluedColumnsRoundTrip<uint8_t>(samples::Booleans, 150, 1);
}
TEST(RoundTripTest, GluedStrings) {
  ExpectGluedColumnsRoundTrip<std::string>(samples::Texts, 60, 100);
}

}  // namespace
}  // namespace varve::tsm
