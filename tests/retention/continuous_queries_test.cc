// Continuous queries run when InfluxDB would run them, over the same times, and beyond that make up
// what was missed, late, changed or deleted. Each test looks at what was run and at what is stored.
#include "retention/continuous_queries.h"

#include <gmock/gmock.h>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ContinuousQueriesTest : public World {
 protected:
  void Create(std::string_view rest) {
    Do(base::StrCat("CREATE CONTINUOUS QUERY ", rest));
    queries->Tick();
  }
  // Lets time pass, with a tick every `step`.
  void Pass(int64_t ns, int64_t step = 10 * kSecondNs) {
    for (int64_t left = ns; left > 0; left -= step) {
      Advance(std::min(left, step));
      queries->Tick();
    }
  }
  // One point of m with host=a.
  void Point(int64_t after_start_ns, double value, std::string_view tags = ",host=a") {
    ASSERT_EQ(Write(base::StrCat("m", tags, " v=", value, " ", kStartNs + after_start_ns)), "");
  }
  std::vector<std::string> TakeRuns() { return std::exchange(runs, {}); }
  // "second value" of each row.
  std::string Values(std::string_view select) {
    std::string out;
    std::string answer = Query(select);
    size_t at = 0;
    while (at < answer.size()) {
      const size_t end = answer.find('\n', at);
      const std::string line = answer.substr(at, end - at);
      at = end + 1;
      const size_t colon = line.find(": ");
      const size_t space = line.find(' ', colon + 2);
      if (colon == std::string::npos || space == std::string::npos) return line;
      const int64_t time = std::stoll(line.substr(colon + 2, space - colon - 2));
      base::StrAppend(out, out.empty() ? "" : " ", (time - kStartNs) / kSecondNs, "=",
                      line.substr(space + 1));
    }
    return out;
  }
};

constexpr char kMinuteMean[] =
    "c ON d BEGIN SELECT mean(v) AS v INTO minute FROM m GROUP BY time(1m), * END";

TEST_F(ContinuousQueriesTest, RunsOnceAWindowIsOver) {
  Advance(10 * kSecondNs);
  Create(kMinuteMean);
  Point(20 * kSecondNs, 1);
  Point(50 * kSecondNs, 3);
  Pass(49 * kSecondNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
  Pass(kSecondNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("c 0..60"));
  EXPECT_EQ(Query("SELECT v, host FROM minute"), base::StrCat("minute: ", kStartNs, " 2 a\n"));
  EXPECT_EQ(Query("SHOW TAG KEYS FROM minute"), "minute: host\n");
  Pass(59 * kSecondNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
  Pass(kSecondNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("c 60..120"));
}

TEST_F(ContinuousQueriesTest, TheFirstRunAtAWindowsStartCoversTheOneBefore) {
  Point(-30 * kSecondNs, 5);
  Create(kMinuteMean);
  EXPECT_THAT(TakeRuns(), ElementsAre("c -60..0"));
  EXPECT_EQ(Values("SELECT v FROM minute"), "-60=5");
}

TEST_F(ContinuousQueriesTest, OffsetsMoveTheWindows) {
  Create("c ON d BEGIN SELECT mean(v) AS v INTO o FROM m GROUP BY time(1m, 15s) END");
  TakeRuns();
  Pass(2 * kMinuteNs, kSecondNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("c -45..15", "c 15..75"));
}

TEST_F(ContinuousQueriesTest, ResampleForGoesBackEachTime) {
  Create("c ON d RESAMPLE FOR 3m BEGIN SELECT mean(v) AS v INTO o FROM m GROUP BY time(1m) END");
  TakeRuns();
  Pass(2 * kMinuteNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("c -120..60", "c -60..120"));
}

TEST_F(ContinuousQueriesTest, ResampleEveryMayBeShorterOrLongerThanTheWindow) {
  Create("s ON d RESAMPLE EVERY 20s BEGIN SELECT mean(v) AS v INTO o FROM m GROUP BY time(1m) END");
  TakeRuns();
  Pass(kMinuteNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("s 0..60", "s 0..60", "s 0..60"));
  Do("DROP CONTINUOUS QUERY s ON d");
  Create("l ON d RESAMPLE EVERY 2m BEGIN SELECT mean(v) AS v INTO o FROM m GROUP BY time(1m) END");
  TakeRuns();
  Pass(5 * kMinuteNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("l 0..120", "l 120..240", "l 240..360"));
}

TEST_F(ContinuousQueriesTest, DaysFollowTheirTimeZone) {
  // Clocks go forward in Berlin on 2026-03-29.
  env.SetNowNs(1'774'652'400 * kSecondNs);  // 2026-03-27T23:00:00Z, midnight there
  Create(
      "c ON d BEGIN SELECT count(v) AS n INTO o FROM m GROUP BY time(1d) TZ('Europe/Berlin') END");
  for (int64_t hour = 0; hour < 72; ++hour) {
    ASSERT_EQ(Write("m v=1" + At(1'774'652'400 * kSecondNs + hour * kHourNs)), "");
  }
  TakeRuns();
  Pass(72 * kHourNs, 10 * kMinuteNs);
  EXPECT_EQ(runs.size(), 3u) << ::testing::PrintToString(runs);
  EXPECT_EQ(Query("SELECT n FROM o"),
            "o: 1774652400000000000 24\no: 1774738800000000000 23\no: 1774821600000000000 24\n");
}

TEST_F(ContinuousQueriesTest, BackReferencesAndExpressionsKeepTheNames) {
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Create(
      "c ON d BEGIN SELECT mean(*) INTO d.keep.:MEASUREMENT FROM /^m[12]$/ GROUP BY time(1m), * "
      "END");
  ASSERT_EQ(Write(base::StrCat("m1,h=a v=1,w=2 ", kStartNs, "\nm2 v=3 ", kStartNs, "\nm3 v=4 ",
                               kStartNs)),
            "");
  Pass(kMinuteNs);
  EXPECT_EQ(Query("SELECT * FROM keep.m1"), base::StrCat("m1: ", kStartNs, " a 1 2\n"));
  EXPECT_EQ(Query("SELECT * FROM keep.m2"), base::StrCat("m2: ", kStartNs, " 3\n"));
  EXPECT_EQ(Query("SELECT * FROM keep.m3"), "");
}

TEST_F(ContinuousQueriesTest, LevelsFeedEachOtherWithinOneTickWhicheverCameFirst) {
  Create("h ON d BEGIN SELECT sum(v) AS v INTO hour FROM minute GROUP BY time(1h) END");
  Create("c ON d BEGIN SELECT sum(v) AS v INTO minute FROM m GROUP BY time(1m) END");
  for (int64_t minute = 0; minute < 60; ++minute) Point(minute * kMinuteNs, 1);
  TakeRuns();
  Pass(kHourNs, kMinuteNs);
  EXPECT_EQ(Values("SELECT v FROM hour"), "0=60");
  EXPECT_EQ(runs.back(), "h 0..3600");
  EXPECT_EQ(runs.size(), 61u);
}

TEST_F(ContinuousQueriesTest, WhatWasMissedWhileTheServerWasDownIsMadeUp) {
  Create(kMinuteMean);
  Point(10 * kSecondNs, 1);
  Pass(kMinuteNs);
  Point(70 * kSecondNs, 2);
  Point(130 * kSecondNs, 3);
  TakeRuns();
  CutPower();
  Advance(3 * kMinuteNs + 5 * kSecondNs);
  queries->Tick();
  EXPECT_EQ(Values("SELECT v FROM minute"), "0=1 60=2 120=3");
  EXPECT_THAT(runs, ::testing::Contains("c 180..240"));
  // And windows of which the log still had the points were computed again, to the same.
  Pass(kMinuteNs);
  EXPECT_EQ(Values("SELECT v FROM minute"), "0=1 60=2 120=3");
}

TEST_F(ContinuousQueriesTest, AnEmptySpellCostsNothingToMakeUp) {
  Create(kMinuteMean);
  Pass(kMinuteNs);
  TakeRuns();
  CutPower();
  Advance(1000 * kDayNs);
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("c 86400000..86400060"));
}

TEST_F(ContinuousQueriesTest, OnlyTheWindowsOfLatePointsAreComputedAgain) {
  Create(kMinuteMean);
  for (int64_t minute = 0; minute < 10; ++minute) Point(minute * kMinuteNs, 1);
  Pass(10 * kMinuteNs);
  TakeRuns();
  Point(3 * kMinuteNs + kSecondNs, 5);
  Point(7 * kMinuteNs, 9);  // another value for the point that is there
  ASSERT_EQ(Write(base::StrCat("other v=1 ", kStartNs)), "");
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 180..240", "again c 420..480"));
  EXPECT_EQ(Values("SELECT v FROM minute"),
            "0=1 60=1 120=1 180=3 240=1 300=1 360=1 420=9 480=1 540=1");
  // The next ones have to wait a little, and then the window that is not over yet is not theirs.
  Point(0, 2);
  Point(10 * kMinuteNs + kSecondNs, 4);
  queries->Tick();
  EXPECT_THAT(TakeRuns(), IsEmpty());
  Pass(10 * kSecondNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 0..60"));
}

TEST_F(ContinuousQueriesTest, DeletedPointsAreTakenOutOfTheirWindows) {
  Create(kMinuteMean);
  Point(0, 1);
  Point(30 * kSecondNs, 3);
  Point(60 * kSecondNs, 7);
  Pass(2 * kMinuteNs);
  TakeRuns();
  ASSERT_EQ(Values("SELECT v FROM minute"), "0=2 60=7");
  Do(base::StrCat("DELETE FROM m WHERE time = ", kStartNs));
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 0..60"));
  EXPECT_EQ(Values("SELECT v FROM minute"), "0=3 60=7");
  // Dropped series keep what was computed of them.
  TakeRuns();
  Do("DROP MEASUREMENT m");
  Pass(20 * kSecondNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
}

TEST_F(ContinuousQueriesTest, LatePointsReachTheUpperLevels) {
  Create("c ON d BEGIN SELECT sum(v) AS v INTO minute FROM m GROUP BY time(1m) END");
  Create("h ON d BEGIN SELECT sum(v) AS v INTO hour FROM minute GROUP BY time(1h) END");
  for (int64_t minute = 0; minute < 120; ++minute) Point(minute * kMinuteNs, 1);
  Pass(2 * kHourNs, kMinuteNs);
  ASSERT_EQ(Values("SELECT v FROM hour"), "0=60 3600=60");
  TakeRuns();
  Point(5 * kMinuteNs + 1, 10);
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 300..360", "again h 0..3600"));
  EXPECT_EQ(Values("SELECT v FROM hour"), "0=70 3600=60");
}

TEST_F(ContinuousQueriesTest, MarksSurviveACrashInTheLogAndBehindIt) {
  Create(kMinuteMean);
  for (int64_t minute = 0; minute < 10; ++minute) Point(minute * kMinuteNs, 1);
  Pass(10 * kMinuteNs);
  ASSERT_TRUE(store->Flush(false).ok());
  Point(3 * kMinuteNs + kSecondNs, 5);
  TakeRuns();
  CutPower();  // the mark was in memory, its record is in the log
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 180..240"));
  Point(4 * kMinuteNs + kSecondNs, 5);
  ASSERT_TRUE(store->Flush(false).ok());  // the record leaves the log
  CutPower();
  queries->Tick();
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 240..300"));
  EXPECT_EQ(Values("SELECT v FROM minute WHERE time >= 1767571380s AND time < 1767571500s"),
            "180=3 240=3");
  Pass(30 * kSecondNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
}

TEST_F(ContinuousQueriesTest, AQueryThatFeedsItselfDoesNotChaseItsOwnPoints) {
  Create("c ON d BEGIN SELECT sum(v) AS v INTO m FROM m GROUP BY time(1m) END");
  Point(kSecondNs, 1);
  Pass(2 * kMinuteNs);
  TakeRuns();
  Point(2 * kSecondNs, 1);
  Pass(50 * kSecondNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
}

TEST_F(ContinuousQueriesTest, AFailedRunIsTriedAgainWithPauses) {
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Create("c ON d BEGIN SELECT mean(v) AS v INTO keep.o FROM m GROUP BY time(1m) END");
  Point(0, 4);
  Do("DROP RETENTION POLICY keep ON d");
  Pass(kMinuteNs);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("retention policy not found: keep"));
  EXPECT_THAT(Query("SHOW CONTINUOUS QUERY STATUS"), HasSubstr("retention policy not found: keep"));
  Pass(20 * kSecondNs, kSecondNs);
  EXPECT_EQ(errors.size(), 5u);  // after 1, 2, 4 and 8 seconds
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Pass(2 * kMinuteNs);
  EXPECT_EQ(Values("SELECT v FROM keep.o"), "0=4");
  EXPECT_EQ(queries->Status().at(0).last_error, "");
  EXPECT_EQ(queries->Status().at(0).lag_ns, 0);
}

TEST_F(ContinuousQueriesTest, WindowsThatRetentionCutAreNotComputedAgain) {
  Do("CREATE RETENTION POLICY raw ON d DURATION 2h REPLICATION 1 SHARD DURATION 1h DEFAULT");
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Create("c ON d BEGIN SELECT sum(v) AS v INTO keep.o FROM m GROUP BY time(90m) END");
  for (int64_t minute = 0; minute < 180; ++minute) {
    Point(minute * kMinuteNs, 1);
    Pass(kMinuteNs, kMinuteNs);
    enforcer->Tick();
  }
  ASSERT_EQ(Values("SELECT v FROM keep.o"), "0=90 5400=90");
  Pass(11 * kMinuteNs, kMinuteNs);
  enforcer->Enforce().IgnoreError();
  ASSERT_EQ(dropped.size(), 1u);  // the first hour
  TakeRuns();
  Point(75 * kMinuteNs + 1, 1);  // taken, but its window is not whole any more
  Point(100 * kMinuteNs + 1, 1);
  Pass(kMinuteNs);
  EXPECT_THAT(TakeRuns(), ElementsAre("again c 5400..10800"));
  EXPECT_EQ(Values("SELECT v FROM keep.o"), "0=90 5400=91");
  EXPECT_EQ(queries->Status().at(0).windows_pending, 0u);
}

TEST_F(ContinuousQueriesTest, AClockThatIsSetBackDoesNotStopIt) {
  Create(kMinuteMean);
  Pass(kMinuteNs);
  StepClock(100 * kDayNs);
  Pass(kMinuteNs);
  StepClock(-100 * kDayNs);
  Point(3 * kMinuteNs, 1);
  TakeRuns();
  Pass(3 * kMinuteNs);
  EXPECT_EQ(Values("SELECT v FROM minute"), "180=1");
}

TEST_F(ContinuousQueriesTest, BackfillComputesThePast) {
  for (int64_t minute = 0; minute < 300; ++minute) {
    Point(minute * kMinuteNs, static_cast<double>(minute));
  }
  Advance(300 * kMinuteNs + 30 * kSecondNs);
  Create(kMinuteMean);
  EXPECT_THAT(TakeRuns(), IsEmpty());
  EXPECT_EQ(
      Query("BACKFILL CONTINUOUS QUERY c ON d FROM '2026-01-05T00:01:30Z' TO "
            "'2026-01-05 00:03:00'"),
      base::StrCat("backfill: ", kStartNs + kMinuteNs, " ", kStartNs + 3 * kMinuteNs, " 2 2\n"));
  EXPECT_EQ(Values("SELECT v FROM minute"), "60=1 120=2");
  EXPECT_THAT(Query("BACKFILL CONTINUOUS QUERY c ON d FROM '2020-01-01' TO '2030-01-01'"),
              HasSubstr(" 300 300\n"));
  EXPECT_EQ(Query("SELECT count(v) FROM minute"), "minute: 0 300\n");
  EXPECT_THAT(Query("BACKFILL CONTINUOUS QUERY x ON d FROM '2020-01-01' TO '2030-01-01'"),
              HasSubstr("ERR: continuous query not found: x"));
}

TEST_F(ContinuousQueriesTest, AnotherTextBeginsAnewAndADroppedQueryEnds) {
  Create(kMinuteMean);
  Pass(2 * kMinuteNs);
  Do("DROP CONTINUOUS QUERY c ON d");
  TakeRuns();
  Pass(2 * kMinuteNs);
  EXPECT_THAT(TakeRuns(), IsEmpty());
  Create("c ON d BEGIN SELECT max(v) AS v INTO o FROM m GROUP BY time(1m) END");
  EXPECT_THAT(TakeRuns(), ElementsAre("c 180..240"));
}

TEST_F(ContinuousQueriesTest, RawQueriesAreToldToBeNone) {
  Do("CREATE CONTINUOUS QUERY c ON d BEGIN SELECT v INTO o FROM m END");
  queries->Tick();
  queries->Tick();
  EXPECT_THAT(errors, ElementsAre("c: continuous queries must be aggregate queries"));
}

TEST_F(ContinuousQueriesTest, StatusTellsHowQueriesFare) {
  Create(kMinuteMean);
  Point(0, 1);
  Pass(kMinuteNs);
  const auto status = queries->Status();
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].last_run_ns, kStartNs + kMinuteNs);
  EXPECT_EQ(status[0].next_run_ns, kStartNs + 2 * kMinuteNs);
  EXPECT_EQ(status[0].done_until_ns, kStartNs + kMinuteNs);
  EXPECT_EQ(status[0].points_written, 1u);
  EXPECT_THAT(Query("SHOW CONTINUOUS QUERY STATUS"), HasSubstr("d: c 1767571260"));
  EXPECT_THAT(Query("SHOW CONTINUOUS QUERIES"), HasSubstr("d: c CREATE CONTINUOUS QUERY c ON d"));
  EXPECT_THAT(Query("SHOW CONTINUOUS QUERY"), HasSubstr("found QUERY, expected QUERIES"));
}

}  // namespace
}  // namespace varve::retention
