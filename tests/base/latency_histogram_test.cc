#include "base/latency_histogram.h"

#include <gtest/gtest.h>

namespace varve::base {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kPeriod = LatencyHistogram::kRecentNs;

TEST(LatencyHistogramTest, ABoundBelongsToItsRange) {
  LatencyHistogram histogram;
  histogram.Observe(0, 0);
  histogram.Observe(50'000, 0);
  histogram.Observe(50'001, 0);
  histogram.Observe(30'000'000'001, 0);
  const LatencyCounts all = histogram.All();
  EXPECT_EQ(all.counts[0], 2u);
  EXPECT_EQ(all.counts[1], 1u);
  EXPECT_EQ(all.counts.back(), 1u);
  EXPECT_EQ(all.Total(), 4u);
  EXPECT_EQ(all.sum_ns, 30'000'100'002u);
}

TEST(LatencyHistogramTest, QuantilesAreInterpolated) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.All().QuantileNs(0.5), 0);
  // Ten between 5 and 10 ms, ninety between 10 and 25 ms.
  for (int i = 0; i < 10; ++i) histogram.Observe(6 * kMs, 0);
  for (int i = 0; i < 90; ++i) histogram.Observe(20 * kMs, 0);
  EXPECT_EQ(histogram.All().QuantileNs(0.1), 10 * kMs);
  EXPECT_EQ(histogram.All().QuantileNs(0.05), 7'500'000);
  EXPECT_EQ(histogram.All().QuantileNs(0.55), 17'500'000);
  EXPECT_EQ(histogram.All().QuantileNs(1), 25 * kMs);
}

TEST(LatencyHistogramTest, WhatLiesBeyondIsTheLastBound) {
  LatencyHistogram histogram;
  histogram.Observe(3600'000 * kMs, 0);
  EXPECT_EQ(histogram.All().QuantileNs(0.99), 30'000 * kMs);
}

TEST(LatencyHistogramTest, RecentForgetsWhatIsTwoPeriodsOld) {
  LatencyHistogram histogram;
  histogram.Observe(kMs, 5 * kPeriod);
  histogram.Observe(kMs, 6 * kPeriod);
  EXPECT_EQ(histogram.Recent(6 * kPeriod + 1).Total(), 2u);
  EXPECT_EQ(histogram.Recent(7 * kPeriod).Total(), 1u);
  EXPECT_EQ(histogram.Recent(8 * kPeriod).Total(), 0u);
  histogram.Observe(kMs, 8 * kPeriod);
  histogram.Observe(kMs, 20 * kPeriod);
  EXPECT_EQ(histogram.Recent(20 * kPeriod).Total(), 1u);
  EXPECT_EQ(histogram.All().Total(), 4u);
}

}  // namespace
}  // namespace varve::base
