#include "query/functions/value_of_rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <random>
#include <span>
#include <vector>

namespace varve::query {
namespace {

// Values of some kind: few different ones, close together, ascending, or all over the range.
std::vector<double> RandomValues(std::mt19937_64& random, size_t n) {
  std::vector<double> values(n);
  const auto kind = random() % 5;
  for (size_t i = 0; i < n; ++i) {
    switch (kind) {
      case 0:
        values[i] = static_cast<double>(random() % 3);
        break;
      case 1:
        values[i] = 1e6 + static_cast<double>(random() % 1000) / 100;
        break;
      case 2:
        values[i] = static_cast<double>(i);
        break;
      case 3:
        values[i] = random() % 50 == 0 ? -std::numeric_limits<double>::infinity()
                                       : std::numeric_limits<double>::max();
        break;
      default:
        values[i] = std::bit_cast<double>(random() & 0xffefffffffffffff);
    }
  }
  return values;
}

// Keeps `values` in runs of up to `run` values.
void Keep(std::span<const double> values, size_t window, size_t run, std::mt19937_64& random,
          KeptValues<double>* kept) {
  while (!values.empty()) {
    const size_t n = std::min<size_t>(values.size(), random() % (run + 1));
    kept->Append(window, values.first(n));
    values = values.subspan(n);
  }
}

TEST(ValueOfRankTest, PropertyIsThatOfTheSortedValues) {
  RankFinder<double> finder;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    std::mt19937_64 random(seed);
    const size_t n = 1 + random() % (seed % 4 == 0 ? 5000 : 700);
    std::vector<double> values = RandomValues(random, n);
    KeptValues<double> kept;
    kept.Resize(1);
    Keep(values, 0, 1 + random() % 100, random, &kept);
    ASSERT_EQ(kept.size(0), n);
    std::sort(values.begin(), values.end());
    for (const size_t rank : {size_t{0}, n / 2, n * 99 / 100, n - 1, random() % n}) {
      ASSERT_EQ(finder.Find(kept, 0, rank), values[rank]) << "seed " << seed << " rank " << rank;
    }
  }
}

TEST(ValueOfRankTest, PropertyPartsTakenOverAreAllThere) {
  RankFinder<double> finder;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const size_t windows = 1 + random() % 5;
    std::vector<std::vector<double>> expected(windows);
    KeptValues<double> all;
    for (size_t part = 0; part < 4; ++part) {
      KeptValues<double> kept;
      std::vector<uint32_t> window_of;  // each part numbers windows in its own way
      for (uint32_t w = 0; w < windows; ++w) window_of.push_back(w);
      std::shuffle(window_of.begin(), window_of.end(), random);
      kept.Resize(windows);
      for (size_t w = 0; w < windows; ++w) {
        const std::vector<double> values = RandomValues(random, random() % 300);
        Keep(values, w, 60, random, &kept);
        auto& into = expected[window_of[w]];
        into.insert(into.end(), values.begin(), values.end());
      }
      const size_t bytes = all.bytes() + kept.bytes();
      all.Resize(windows);
      all.TakeOver(kept, window_of);
      EXPECT_EQ(all.bytes(), bytes);
      EXPECT_EQ(kept.windows(), 0u);
      // What takes over goes on keeping.
      const std::vector<double> more = RandomValues(random, 1 + random() % 10);
      all.Append(0, more);
      expected[0].insert(expected[0].end(), more.begin(), more.end());
    }
    for (size_t w = 0; w < windows; ++w) {
      ASSERT_EQ(all.size(w), expected[w].size());
      if (expected[w].empty()) continue;
      std::sort(expected[w].begin(), expected[w].end());
      const size_t rank = random() % expected[w].size();
      ASSERT_EQ(finder.Find(all, w, rank), expected[w][rank]) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace varve::query
