#include "engine/compaction_plan.h"

#include <gtest/gtest.h>

namespace varve::engine {
namespace {

// Files of the given levels, oldest first, of 100 bytes each.
std::vector<CompactionFile> Files(const std::vector<uint32_t>& levels) {
  std::vector<CompactionFile> files;
  for (uint32_t level : levels) {
    files.push_back({.sequence = files.size() + 1, .bytes = 100, .level = level});
  }
  return files;
}

using Sequences = std::vector<uint64_t>;

TEST(CompactionPlanTest, NothingToDoForFewFiles) {
  EXPECT_FALSE(PlanCompaction(Files({}), {}));
  EXPECT_FALSE(PlanCompaction(Files({0, 0, 0}), {}));
  EXPECT_FALSE(PlanCompaction(Files({2, 1, 1, 0, 0}), {}));
}

TEST(CompactionPlanTest, TakesTheLowestFullLevel) {
  const auto plan = PlanCompaction(Files({1, 1, 1, 1, 0, 0, 0, 0, 0}), {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->sequences, (Sequences{5, 6, 7, 8, 9}));
  EXPECT_EQ(plan->level, 1u);
  EXPECT_FALSE(plan->cold);
}

TEST(CompactionPlanTest, LowerFilesGoWithTheirOlderNeighbours) {
  const auto plan = PlanCompaction(Files({1, 0, 1, 1, 1}), {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->sequences, (Sequences{1, 2, 3, 4, 5}));
  EXPECT_EQ(plan->level, 2u);
}

TEST(CompactionPlanTest, SizesAreBounded) {
  auto files = Files({0, 0, 0, 0, 0, 0});
  files[0].bytes = 1000;
  const auto plan = PlanCompaction(files, {.bytes_max = 500});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->sequences, (Sequences{2, 3, 4, 5, 6}));
}

TEST(CompactionPlanTest, ADamagedFileIsLeftAlone) {
  auto files = Files({0, 0, 0, 0, 0, 0});
  files[2].damaged = true;
  EXPECT_FALSE(PlanCompaction(files, {}));
  const auto plan = PlanCompaction(files, {.full = true});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->sequences, (Sequences{1, 2}));
}

TEST(CompactionPlanTest, AColdShardBecomesOneFile) {
  const auto plan = PlanCompaction(Files({2, 1, 0}), {.full = true});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->sequences, (Sequences{1, 2, 3}));
  EXPECT_EQ(plan->level, kColdLevel);
  EXPECT_TRUE(plan->cold);
  EXPECT_FALSE(PlanCompaction(Files({kColdLevel}), {.full = true}));
  EXPECT_TRUE(PlanCompaction(Files({0}), {.full = true}));
  auto deleted = Files({kColdLevel});
  deleted[0].has_tombstones = true;
  EXPECT_TRUE(PlanCompaction(deleted, {.full = true}));
}

}  // namespace
}  // namespace varve::engine
