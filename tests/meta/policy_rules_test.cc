#include "meta/policy_rules.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace varve::meta {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

TEST(PolicyRulesTest, NamesAreThoseOfAFolder) {
  EXPECT_TRUE(CheckName("building").ok());
  EXPECT_TRUE(CheckName("a b").ok());
  for (const char* bad : {"", ".", "..", "a/b", "a\\b", "a\tb"}) {
    EXPECT_EQ(base::MessageOf(CheckName(bad)), "invalid name") << bad;
  }
  EXPECT_EQ(base::MessageOf(CheckName(std::string(256, 'x'))), "name too long");
}

TEST(PolicyRulesTest, ShardGroupDurationFollowsTheRetention) {
  struct {
    int64_t given, policy, expected;
  } cases[] = {
      {0, 0, 7 * kDay},         {0, kHour, kHour},
      {0, 47 * kHour, kHour},   {0, 48 * kHour, kDay},
      {0, 179 * kDay, kDay},    {0, 180 * kDay, 7 * kDay},
      {kHour / 2, kDay, kHour}, {6 * kHour, 2 * kDay, 6 * kHour},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ShardGroupDuration(c.given, c.policy), c.expected) << c.given << " " << c.policy;
  }
}

TEST(PolicyRulesTest, AlterChecksTheDurationAgainstTheShards) {
  RetentionPolicy policy = *MakePolicy({.name = "p", .duration_ns = kDay});
  EXPECT_EQ(
      base::MessageOf(AlterPolicy({.name = "p", .shard_group_duration_ns = 9 * kDay}, &policy)),
      "retention policy duration must be greater than the shard duration");
  EXPECT_EQ(base::MessageOf(AlterPolicy({.name = "p", .duration_ns = kHour / 2}, &policy)),
            "retention policy duration must be at least 1h0m0s");
  EXPECT_EQ(policy.duration_ns, kDay);
  EXPECT_TRUE(AlterPolicy({.name = "p", .duration_ns = 0}, &policy).ok());
  EXPECT_EQ(policy.duration_ns, 0);
}

TEST(PolicyRulesTest, ShardGroupsOfAWeekBeginOnMonday) {
  RetentionPolicy policy = *MakePolicy({.name = "p"});
  const int64_t thursday = 1614816000 * kSecond;  // 2021-03-04
  const model::TimeRange range = NewShardGroupRange(policy, thursday);
  EXPECT_EQ(range.min_ns, 1614556800 * kSecond);  // Monday 2021-03-01
  EXPECT_EQ(range.max_ns, range.min_ns + 7 * kDay - 1);
}

TEST(PolicyRulesTest, ShardGroupsAtTheEndsOfTimeAreCut) {
  RetentionPolicy policy = *MakePolicy({.name = "p"});
  EXPECT_EQ(NewShardGroupRange(policy, model::kMinTimeNs).min_ns, model::kMinTimeNs);
  EXPECT_EQ(NewShardGroupRange(policy, model::kMaxTimeNs).max_ns, model::kMaxTimeNs);
}

TEST(PolicyRulesTest, ANewGroupLeavesRoomForItsNeighbours) {
  RetentionPolicy policy = *MakePolicy({.name = "p"});
  policy.shard_groups.push_back({1, 1, {1614556800 * kSecond, 1614556800 * kSecond + kDay - 1}});
  policy.shard_groups.push_back({2, 2, {1614902400 * kSecond, 1614902400 * kSecond + kDay - 1}});
  const model::TimeRange range = NewShardGroupRange(policy, 1614816000 * kSecond);
  EXPECT_EQ(range.min_ns, 1614556800 * kSecond + kDay);
  EXPECT_EQ(range.max_ns, 1614902400 * kSecond - 1);
}

}  // namespace
}  // namespace varve::meta
