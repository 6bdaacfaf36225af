#include "index/series_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace varve::index {
namespace {

using Model = std::set<model::SeriesId>;

std::vector<model::SeriesId> Ids(const Model& model) { return {model.begin(), model.end()}; }

// Small sets, dense and sparse ones: each has a representation of its own.
Model RandomModel(std::mt19937_64& random) {
  Model model;
  const size_t sizes[] = {0, 1, 2, 40, 3000};
  const uint32_t ranges[] = {4, 100, 5000, 4'000'000'000};
  const uint32_t range = ranges[random() % 4];
  const uint32_t base = random() % 2 == 0 ? 0 : 60'000;
  for (size_t n = sizes[random() % 5]; n > 0; --n) {
    model.insert(base + static_cast<uint32_t>(random() % range));
  }
  return model;
}

TEST(SeriesSetTest, AgreesWithStdSet) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const Model a = RandomModel(random);
    const Model b = RandomModel(random);
    const SeriesSet set_a(Ids(a));
    const SeriesSet set_b(Ids(b));
    EXPECT_EQ(set_a.ToVector(), Ids(a));
    EXPECT_EQ(set_a.Count(), a.size());
    EXPECT_EQ(set_a.empty(), a.empty());
    EXPECT_EQ(set_a == set_b, a == b);

    Model both, either = a, rest = a;
    for (const auto id : b) {
      if (a.contains(id)) both.insert(id);
      either.insert(id);
      rest.erase(id);
    }
    SeriesSet set = set_a;
    set |= set_b;
    EXPECT_EQ(set.ToVector(), Ids(either));
    set = set_a;
    set &= set_b;
    EXPECT_EQ(set.ToVector(), Ids(both));
    EXPECT_EQ(set_a.Intersects(set_b), !both.empty());
    EXPECT_TRUE(set.IsSubsetOf(set_a));
    EXPECT_TRUE(set.IsSubsetOf(set_b));
    EXPECT_EQ(set_a.IsSubsetOf(set_b), both == a);
    set = set_a;
    set -= set_b;
    EXPECT_EQ(set.ToVector(), Ids(rest));
    EXPECT_EQ(set_a.ToVector(), Ids(a)) << "a copy's change showed in the original";

    SeriesSetBuilder builder;
    builder.Add(set_b);
    for (const auto id : a) builder.Add(id);
    EXPECT_EQ(builder.Finish().ToVector(), Ids(either));
    EXPECT_TRUE(builder.Finish().empty());
  }
}

TEST(SeriesSetTest, AddsAndRemoves) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    SeriesSet set;
    Model model;
    for (int step = 0; step < 200; ++step) {
      const auto id = static_cast<uint32_t>(random() % 8);
      const SeriesSet before = set;
      if (random() % 2 == 0) {
        set.Add(id);
        model.insert(id);
      } else {
        set.Remove(id);
        model.erase(id);
      }
      ASSERT_EQ(set.ToVector(), Ids(model));
      for (uint32_t i = 0; i < 8; ++i) ASSERT_EQ(set.Contains(i), model.contains(i));
      ASSERT_FALSE(set.Contains(model::kNoId));
      ASSERT_EQ(set == before, set.ToVector() == before.ToVector());
    }
  }
}

TEST(SeriesSetTest, SetsOfAllRepresentationsMayBeEqual) {
  SeriesSet one;
  one.Add(7);
  SeriesSet two;
  two.Add(7);
  two.Add(9);
  two.Remove(9);
  EXPECT_TRUE(one == two);
  two.Remove(7);
  EXPECT_TRUE(two == SeriesSet());
  EXPECT_TRUE(two.empty());
  SeriesSet moved = std::move(one);
  EXPECT_TRUE(one.empty());  // NOLINT(bugprone-use-after-move): a moved set is empty
  EXPECT_EQ(moved.Count(), 1u);
}

}  // namespace
}  // namespace varve::index
