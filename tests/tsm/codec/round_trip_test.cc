// Every type, every kind of column, many counts, hot and cold: what is decoded is what was encoded.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm {
namespace {

constexpr size_t kCounts[] = {1,   2,    3,    5,    8,    63,   64,   65,
                              100, 1000, 1023, 1024, 1025, 1026, 2050, 8192};

std::string Describe(const std::string& name, size_t n, bool cold, const std::string& block) {
  return "sample=" + name + " count=" + std::to_string(n) + (cold ? " cold" : " hot") +
         " codec=" + CodecName(block);
}

TEST(RoundTripTest, Floats) {
  for (const size_t n : kCounts) {
    for (const auto& sample : samples::Floats(n, 42 + n)) {
      for (const bool cold : {false, true}) {
        std::string block = "kept";
        EncodeFloats(sample.values, {.cold = cold}, block);
        ASSERT_EQ(block.substr(0, 4), "kept");
        block.erase(0, 4);
        SCOPED_TRACE(Describe(sample.name, n, cold, block));
        ASSERT_LE(block.size(), 1 + 8 * n);
        std::vector<double> decoded(n);
        const absl::Status status = DecodeFloats(block, decoded);
        ASSERT_TRUE(status.ok()) << status;
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(std::bit_cast<uint64_t>(decoded[i]), std::bit_cast<uint64_t>(sample.values[i]))
              << "at " << i;
        }
      }
    }
  }
}

TEST(RoundTripTest, IntegersAndTimes) {
  for (const size_t n : kCounts) {
    for (const auto& sample : samples::Integers(n, 42 + n)) {
      for (const bool cold : {false, true}) {
        std::string block;
        EncodeIntegers(sample.values, {.cold = cold}, block);
        SCOPED_TRACE(Describe(sample.name, n, cold, block));
        ASSERT_LE(block.size(), 24 + 8 * n + n / 64);
        std::vector<int64_t> decoded(n);
        const absl::Status status = DecodeIntegers(block, decoded);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(decoded, sample.values);
      }
    }
  }
}

TEST(RoundTripTest, UnsignedsAboveTheSignedRange) {
  for (const size_t n : kCounts) {
    std::vector<uint64_t> values;
    for (size_t i = 0; i < n; ++i) values.push_back((uint64_t{1} << 63) - 5 + i * 7 % 11);
    std::string block;
    EncodeUnsigneds(values, {}, block);
    EXPECT_LE(block.size(), 40 + n);
    std::vector<uint64_t> decoded(n);
    ASSERT_TRUE(DecodeUnsigneds(block, decoded).ok());
    ASSERT_EQ(decoded, values);
  }
}

TEST(RoundTripTest, Booleans) {
  for (const size_t n : kCounts) {
    for (const auto& sample : samples::Booleans(n, 42 + n)) {
      for (const bool cold : {false, true}) {
        std::string block;
        EncodeBooleans(sample.values, {.cold = cold}, block);
        SCOPED_TRACE(Describe(sample.name, n, cold, block));
        ASSERT_LE(block.size(), 2 + n / 8);
        std::vector<uint8_t> decoded(n);
        const absl::Status status = DecodeBooleans(block, decoded);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(decoded, sample.values);
      }
    }
  }
}

TEST(RoundTripTest, Strings) {
  for (const size_t n : kCounts) {
    for (const auto& sample : samples::Texts(n, 42 + n)) {
      for (const bool cold : {false, true}) {
        const std::vector<std::string_view> values(sample.values.begin(), sample.values.end());
        std::string block;
        EncodeStrings(values, {.cold = cold}, block);
        SCOPED_TRACE(Describe(sample.name, n, cold, block));
        std::vector<std::string_view> decoded(n);
        std::string text;
        const absl::Status status = DecodeStrings(block, decoded, text);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(decoded, values);
      }
    }
  }
}

}  // namespace
}  // namespace varve::tsm
