// Shards go when they are older than their policy keeps: by which clock, after which changes, and
// through crashes. Each test would fail if data went too early, stayed for ever, or left a trace.
#include "retention/enforcer.h"

#include <gmock/gmock.h>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EnforcerTest : public World {
 protected:
  // Lets time pass with a reading every ten minutes.
  void Pass(int64_t ns) {
    for (int64_t left = ns; left > 0; left -= 10 * kMinuteNs) {
      Advance(std::min(left, 10 * kMinuteNs));
      enforcer->Tick();
    }
  }
  // A point every hour over the day before now, into the policy.
  void WriteDay(std::string_view policy, std::string_view measurement = "m") {
    std::string body;
    for (int hour = 1; hour <= 24; ++hour) {
      base::StrAppend(body, measurement, " v=", hour, At(Now() - hour * kHourNs), "\n");
    }
    ASSERT_EQ(Write(body, policy), "");
  }
  std::string Count(std::string_view policy) {
    return Query(base::StrCat("SELECT count(v) FROM ", policy, ".m"));
  }
};

TEST_F(EnforcerTest, ShardsGoAsTheirEndPassesThePolicysDuration) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  ASSERT_EQ(Count("p"), "m: 0 24\n");
  Pass(2 * kDayNs);
  EXPECT_THAT(dropped, IsEmpty());  // the end of the shard is two days back, not more
  EXPECT_EQ(Count("p"), "m: 0 24\n");
  Pass(40 * kMinuteNs);
  EXPECT_THAT(dropped, ElementsAre("p:1"));
  EXPECT_EQ(Count("p"), "");
  EXPECT_EQ(Query("SHOW MEASUREMENTS"), "");
  EXPECT_EQ(Query("SHOW SERIES"), "");
  EXPECT_THAT(store->Shards(), IsEmpty());
  const auto folder = env.List("/data/db-0");
  ASSERT_TRUE(folder.ok());
  EXPECT_THAT(*folder, ElementsAre("series"));
  EXPECT_EQ(enforcer->Status().shards_dropped, 1u);
}

TEST_F(EnforcerTest, PoliciesWithoutEndKeepAll) {
  WriteDay("autogen");
  Pass(300 * kDayNs);
  EXPECT_THAT(dropped, IsEmpty());
  EXPECT_EQ(Count("autogen"), "m: 0 24\n");
}

TEST_F(EnforcerTest, AShorterDurationCountsForShardsThatAreThereAtOnce) {
  WriteDay("autogen");
  Pass(20 * kDayNs);
  enforcer->Tick();
  Do("ALTER RETENTION POLICY autogen ON d DURATION 1h SHARD DURATION 1h");
  EXPECT_EQ(Count("autogen"), "m: 0 24\n");
  enforcer->Tick();
  EXPECT_EQ(dropped.size(), 1u);
  EXPECT_EQ(Count("autogen"), "");
  EXPECT_EQ(Write("m v=1" + At(Now() - kHourNs - 1)),
            "partial write: points beyond retention policy dropped=1");
  EXPECT_EQ(Write("m v=1" + At(Now() - kHourNs)), "");
  // The shortest policy: an hour, in shards of an hour.
  Pass(2 * kHourNs + 20 * kMinuteNs);
  EXPECT_EQ(Count("autogen"), "");
  EXPECT_EQ(dropped.size(), 2u);
}

TEST_F(EnforcerTest, ALongerDurationSavesWhatWasAboutToGo) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  Pass(2 * kDayNs);
  Do("ALTER RETENTION POLICY p ON d DURATION INF");
  Pass(30 * kDayNs);
  EXPECT_EQ(Count("p"), "m: 0 24\n");
}

TEST_F(EnforcerTest, ShowShardsTellsWhenAShardGoes) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  ASSERT_EQ(Write("m v=1" + At(kStartNs), "p"), "");
  EXPECT_THAT(Query("SHOW SHARDS"),
              HasSubstr("2026-01-05T00:00:00Z 2026-01-06T00:00:00Z 2026-01-08T00:00:00Z"));
}

TEST_F(EnforcerTest, ShowShardsTellsWhatWasDropped) {
  Do("CREATE RETENTION POLICY p ON d DURATION 1h REPLICATION 1 SHARD DURATION 1h");
  EXPECT_EQ(Query("SHOW SHARDS").find("dropped"), std::string::npos);
  const int64_t first_ns = Now() - Now() % kHourNs;
  for (int hour = 0; hour < 110; ++hour) {
    ASSERT_EQ(Write("m v=1" + At(Now()), "p"), "");
    Pass(kHourNs);
  }
  const auto drops = enforcer->RecentDrops();
  ASSERT_EQ(drops.size(), Enforcer::kRecentDrops);
  ASSERT_GT(dropped.size(), drops.size());
  const query::DroppedShard& last = drops.back();
  EXPECT_EQ(last.range.min_ns, first_ns + static_cast<int64_t>(dropped.size() - 1) * kHourNs);
  EXPECT_EQ(base::StrCat("p:", last.shard), dropped.back());
  EXPECT_GT(last.dropped_ns, last.range.max_ns + kHourNs);
  const std::string shards = Query("SHOW SHARDS");
  EXPECT_THAT(shards, HasSubstr("dropped shards: "));
  EXPECT_THAT(shards, HasSubstr(base::StrCat(last.shard, " d p 2026-01-")));
}

TEST_F(EnforcerTest, AClockSetForwardAndBackDropsNothing) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  Pass(kHourNs);
  StepClock(400 * kDayNs);
  Pass(20 * kHourNs);
  EXPECT_GT(enforcer->Status().clock_doubt_ns, 399 * kDayNs);
  Do("CREATE RETENTION POLICY q ON d DURATION 2d REPLICATION 1");  // makes it look again
  enforcer->Tick();
  StepClock(-400 * kDayNs);
  Pass(kHourNs);
  EXPECT_THAT(dropped, IsEmpty());
  EXPECT_EQ(Count("p"), "m: 0 24\n");
  StepClock(-10 * kDayNs);
  Pass(kDayNs);
  StepClock(10 * kDayNs);
  Pass(30 * kMinuteNs);
  EXPECT_THAT(dropped, IsEmpty());
  Pass(2 * kDayNs);
  EXPECT_THAT(dropped, ElementsAre("p:1"));
}

TEST_F(EnforcerTest, AWrongClockAtTheStartDropsNothing) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  Pass(kHourNs);
  Close();
  StepClock(3000 * kDayNs);
  Open();
  Pass(kHourNs);
  EXPECT_THAT(dropped, IsEmpty());
  Close();
  StepClock(-3000 * kDayNs);
  Open();
  Pass(kHourNs);
  EXPECT_EQ(Count("p"), "m: 0 24\n");
}

TEST_F(EnforcerTest, AQueryThatHoldsAViewFinishesOnIt) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  ASSERT_TRUE(store->Flush(false).ok());
  const auto shard = store->Shards().at(0);
  const auto view = store->OpenView(shard.database, {{shard.database, shard.shard, shard.range}});
  ASSERT_TRUE(view.ok());
  Pass(3 * kDayNs);
  ASSERT_EQ(dropped.size(), 1u);
  const auto series = (*view)->Match("m", index::TagPredicate::All()).ToVector();
  ASSERT_EQ(series.size(), 1u);
  engine::ScanOptions options;
  options.fields = {{(*view)->Fields("m")[0].field, model::FieldType::kFloat}};
  const auto scanner = (*view)->NewScanner(options);
  ASSERT_TRUE(scanner->Seek(series[0]).ok());
  engine::ScanStep step;
  ASSERT_TRUE(scanner->Next(&step).ok());
  EXPECT_EQ(step.rows.rows, 24u);
}

TEST_F(EnforcerTest, WhatCouldNotBeRemovedIsTriedAgain) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  ASSERT_TRUE(store->Flush(false).ok());
  Advance(3 * kDayNs);
  // Every call that changes the disk fails once, in turn; in the end all is gone.
  for (uint64_t n = 1; n < 60 && dropped.empty(); ++n) {
    env.FailAfter(n, base::FaultKind::kIoError);
    enforcer->Enforce().IgnoreError();
    env.ClearFaults();
  }
  EXPECT_THAT(errors, ::testing::Not(IsEmpty()));
  ASSERT_TRUE(enforcer->Enforce().ok());
  EXPECT_THAT(dropped, ElementsAre("p:1"));
  const auto folder = env.List("/data/db-0");
  ASSERT_TRUE(folder.ok());
  EXPECT_THAT(*folder, ElementsAre("series"));
}

TEST_F(EnforcerTest, ACrashAnywhereInADropLeavesAllOrNothing) {
  for (uint64_t n = 1; n < 25; ++n) {
    SCOPED_TRACE(n);
    enforcer->Tick();  // so that the time that passes below is no jump
    const std::string policy = base::StrCat("p", n);
    Do(base::StrCat("CREATE RETENTION POLICY ", policy,
                    " ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d"));
    WriteDay(policy);
    ASSERT_TRUE(store->Flush(false).ok());
    Advance(3 * kDayNs);
    env.FailAfter(n, base::FaultKind::kCutPower);
    enforcer->Enforce().IgnoreError();
    CutPower();
    const std::string count = Count(policy);
    EXPECT_TRUE(count.empty() || count == "m: 0 24\n") << count;
    EXPECT_EQ(count.empty(), store->Shards().empty());
    Pass(2 * kDayNs);
    EXPECT_EQ(Count(policy), "");
    EXPECT_THAT(store->Shards(), IsEmpty());
  }
}

TEST_F(EnforcerTest, RemembersUpToWhereAPolicyMayBeIncomplete) {
  Do("CREATE RETENTION POLICY p ON d DURATION 2d REPLICATION 1 SHARD DURATION 1d");
  WriteDay("p");
  EXPECT_EQ(enforcer->DroppedThrough(0, "p"), std::nullopt);
  Pass(3 * kDayNs);
  EXPECT_EQ(enforcer->DroppedThrough(0, "p"), kStartNs);
  CutPower();
  EXPECT_EQ(enforcer->DroppedThrough(0, "p"), kStartNs);
  Do("DROP RETENTION POLICY p ON d");
  Pass(kDayNs);
  Reopen();
  EXPECT_EQ(enforcer->DroppedThrough(0, "p"), std::nullopt);
}

TEST_F(EnforcerTest, ADamagedFileIsToldAndBegunAnew) {
  enforcer->Tick();
  Close();
  ASSERT_TRUE(env.FlipBits("/meta/RETENTION", 20, 1).ok());
  Open();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("checksum is wrong"));
  Pass(kHourNs);
  EXPECT_EQ(errors.size(), 1u);
}

}  // namespace
}  // namespace varve::retention
