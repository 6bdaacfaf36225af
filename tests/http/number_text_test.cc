#include "http/number_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace varve::http {
namespace {

std::string Float(double value) {
  char text[kNumberTextMax];
  return {text, WriteFloat(text, value)};
}

// Go: json.Marshal of each value.
TEST(FloatTextTest, PrintsAsGoDoes) {
  EXPECT_EQ(Float(0), "0");
  EXPECT_EQ(Float(-0.0), "-0");
  EXPECT_EQ(Float(1), "1");
  EXPECT_EQ(Float(1.5), "1.5");
  EXPECT_EQ(Float(-1.5), "-1.5");
  EXPECT_EQ(Float(21.37), "21.37");
  EXPECT_EQ(Float(-0.0625), "-0.0625");
  EXPECT_EQ(Float(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Float(2.8541666666666665), "2.8541666666666665");
  EXPECT_EQ(Float(1e-5), "0.00001");
  EXPECT_EQ(Float(1e-6), "0.000001");
  EXPECT_EQ(Float(1e-7), "1e-7");
  EXPECT_EQ(Float(1.5e-10), "1.5e-10");
  EXPECT_EQ(Float(5e-324), "5e-324");
  EXPECT_EQ(Float(1e20), "100000000000000000000");
  EXPECT_EQ(Float(1e21), "1e+21");
  EXPECT_EQ(Float(-1e21), "-1e+21");
  EXPECT_EQ(Float(9223372036854775808.0), "9223372036854776000");
  EXPECT_EQ(Float(9007199254740993.0), "9007199254740992");
  EXPECT_EQ(Float(1e15), "1000000000000000");
  EXPECT_EQ(Float(1234567890123456.5), "1234567890123456.5");
  EXPECT_EQ(Float(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
}

TEST(FloatTextTest, EveryDoubleReadsBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t bits = random();
    const double value = std::bit_cast<double>(bits);
    if (!std::isfinite(value)) continue;
    const std::string text = Float(value);
    ASSERT_EQ(std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)), bits) << text;
  }
}

TEST(FloatTextTest, ShortDecimalsAreShortest) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 100000; ++i) {
    const auto digits = static_cast<int64_t>(random() % 20'000'000) - 10'000'000;
    const double value = static_cast<double>(digits) / 1000;
    char expected[40];
    std::snprintf(expected, sizeof(expected), "%.15g", value);
    if (std::string(expected).find('e') != std::string::npos) continue;
    ASSERT_EQ(Float(value), expected);
  }
}

TEST(TimeTextTest, PrintsAsManyDecimalsAsNeeded) {
  TimeWriter times;
  char text[kNumberTextMax];
  const auto print = [&](int64_t ns) { return std::string(text, times.Write(text, ns)); };
  EXPECT_EQ(print(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(print(10), "1970-01-01T00:00:00.00000001Z");
  EXPECT_EQ(print(100'000'000), "1970-01-01T00:00:00.1Z");
  EXPECT_EQ(print(1700000000123456789), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(print(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(print(951782400'000000000), "2000-02-29T00:00:00Z");
  EXPECT_EQ(print(-9223372036854775806), "1677-09-21T00:12:43.145224194Z");
  EXPECT_EQ(print(9223372036854775806), "2262-04-11T23:47:16.854775806Z");
}

TEST(TimeTextTest, PrintsTheOffsetOfAZone) {
  TimeWriter times;
  char text[kNumberTextMax];
  const auto print = [&](int64_t ns) { return std::string(text, times.Write(text, ns)); };
  times.SetLocation("Europe/Berlin");
  EXPECT_EQ(print(1614816000'000000000), "2021-03-04T01:00:00+01:00");
  EXPECT_EQ(print(1625097600'000000000), "2021-07-01T02:00:00+02:00");
  times.SetLocation("America/St_Johns");
  EXPECT_EQ(print(1614816000'000000000), "2021-03-03T20:30:00-03:30");
  times.SetLocation("");
  EXPECT_EQ(print(1614816000'000000000), "2021-03-04T00:00:00Z");
}

}  // namespace
}  // namespace varve::http
