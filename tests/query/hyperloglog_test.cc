#include "query/functions/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace varve::query {
namespace {

HyperLogLog SketchOf(int begin, int end) {
  HyperLogLog sketch;
  for (int i = begin; i < end; ++i) sketch.Add("value " + std::to_string(i));
  return sketch;
}

TEST(HyperLogLogTest, EmptyHasSeenNothing) {
  EXPECT_EQ(HyperLogLog().Count(), 0u);
  EXPECT_EQ(HyperLogLog::FromText("HLL_")->Count(), 0u);
}

// The bytes of InfluxDB: version 2, precision 16, sparse, no unsorted values, then their number,
// the last one, and the list. XXH64("") is 0xef46db3751d8e999: index 0x1de8db6, no zeros in its
// middle.
TEST(HyperLogLogTest, TextIsInfluxDBs) {
  HyperLogLog sketch;
  sketch.Add("");
  EXPECT_EQ(sketch.ToText(), "HLL_AhABAAAAAAAAAAEDvRtsAAAABOy29B0=");
}

// How many values InfluxDB's own sketch in its test has (pull request 20603): of its first bytes.
TEST(HyperLogLogTest, ReadsTheFormOfInfluxDB) {
  EXPECT_FALSE(HyperLogLog::FromText("HLL_AhABAAAAAAAAB9BIDQAJAAAUUQ==").has_value());
  EXPECT_FALSE(HyperLogLog::FromText("AhAB").has_value());
  EXPECT_FALSE(HyperLogLog::FromText("HLL_???").has_value());
  EXPECT_FALSE(HyperLogLog::FromText("HLL_AgAB").has_value());
}

TEST(HyperLogLogTest, SparseCountsAreAllButExact) {
  for (const int n : {1, 10, 655, 656, 657, 5000, 20000}) {
    const HyperLogLog sketch = SketchOf(0, n);
    EXPECT_NEAR(static_cast<double>(sketch.Count()), n, 1 + n * 0.001) << n;
  }
}

TEST(HyperLogLogTest, DenseCountsAreWithinTheirError) {
  // Linear counting, bias correction, and the plain mean.
  for (const int n : {40000, 60000, 100000, 200000, 400000, 1000000}) {
    const HyperLogLog sketch = SketchOf(0, n);
    // Four times the standard error of 65536 registers, 1.04 / 256.
    EXPECT_NEAR(static_cast<double>(sketch.Count()), n, n * 0.0163) << n;
  }
}

TEST(HyperLogLogTest, TextRoundTripsAndAddingAgainChangesNothing) {
  for (const int n : {0, 3, 3000, 100000}) {
    HyperLogLog sketch = SketchOf(0, n);
    const std::string text = sketch.ToText();
    auto read = HyperLogLog::FromText(text);
    ASSERT_TRUE(read.has_value()) << n;
    EXPECT_EQ(read->Count(), sketch.Count());
    read->Merge(SketchOf(0, n));
    EXPECT_EQ(read->ToText(), text) << n;
  }
}

TEST(HyperLogLogTest, MergedIsAsIfAddedToOne) {
  for (const auto& [a, b] : {std::pair{100, 200}, {3000, 90000}, {90000, 91000}, {50000, 200000}}) {
    HyperLogLog merged = SketchOf(0, a);
    merged.Merge(SketchOf(a / 2, b));
    HyperLogLog other = SketchOf(a / 2, b);
    other.Merge(SketchOf(0, a));
    EXPECT_EQ(merged.Count(), SketchOf(0, b).Count()) << a << " " << b;
    EXPECT_EQ(merged.Count(), other.Count());
  }
}

}  // namespace
}  // namespace varve::query
