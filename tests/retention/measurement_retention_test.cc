// Measurements that are kept for less time than their policy.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "retention/enforcer.h"
#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MeasurementRetentionTest : public World {
 protected:
  MeasurementRetentionTest() {
    Do("CREATE RETENTION POLICY p ON d DURATION 30d REPLICATION 1 SHARD DURATION 1d DEFAULT");
  }
  void Pass(int64_t ns) {
    for (int64_t left = ns; left > 0; left -= 10 * kMinuteNs) {
      Advance(std::min(left, 10 * kMinuteNs));
      enforcer->Tick();
      queries->Tick();
    }
  }
  // The hours since kStartNs at which the measurement has points.
  std::vector<int64_t> Hours(std::string_view measurement) {
    std::vector<int64_t> hours;
    const std::string answer = Query(base::StrCat("SELECT v FROM ", measurement));
    for (size_t at = 0; at < answer.size(); at = answer.find('\n', at) + 1) {
      hours.push_back((std::stoll(answer.substr(answer.find(": ", at) + 2)) - kStartNs) / kHourNs);
    }
    return hours;
  }
  std::string PutHour(std::string_view measurement, int64_t hour) {
    return Write(base::StrCat(measurement, " v=1", At(kStartNs + hour * kHourNs)));
  }
};

TEST_F(MeasurementRetentionTest, IsSetShownAndTakenBack) {
  EXPECT_EQ(Query("SHOW MEASUREMENT RETENTION ON d"), "");
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT \"a b\" DURATION 1h");
  Do("ALTER RETENTION POLICY autogen ON d MEASUREMENT debug DURATION 90d");
  EXPECT_EQ(Query("SHOW MEASUREMENT RETENTION ON d"),
            ": autogen debug 2160h0m0s\n: p a b 1h0m0s\n: p debug 48h0m0s\n");
  EXPECT_THAT(Query("SHOW RETENTION POLICIES ON d"), HasSubstr(": p 720h0m0s 24h0m0s 1 true\n"));
  Reopen();
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION INF");
  EXPECT_EQ(Query("SHOW MEASUREMENT RETENTION"), ": autogen debug 2160h0m0s\n: p a b 1h0m0s\n");
  EXPECT_THAT(Query("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 30d"),
              HasSubstr("measurement retention must be shorter"));
  EXPECT_THAT(Query("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 30m"),
              HasSubstr("must be at least 1h0m0s"));
  EXPECT_THAT(Query("ALTER RETENTION POLICY q ON d MEASUREMENT debug DURATION 2d"),
              HasSubstr("retention policy not found: q"));
  EXPECT_THAT(Query("ALTER RETENTION POLICY p ON d MEASUREMENT debug"),
              HasSubstr("expected DURATION"));
  EXPECT_THAT(Query("SHOW MEASUREMENT RETENTION ON x"), HasSubstr("database not found: x"));
}

TEST_F(MeasurementRetentionTest, PointsGoAndOlderOnesAreRefused) {
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  for (int64_t hour = 0; hour < 96; ++hour) {
    Pass(kHourNs);
    ASSERT_EQ(PutHour("debug", hour), "");
    ASSERT_EQ(PutHour("m", hour), "");
  }
  // Steps are an eighth of a shard, three hours.
  const auto hours = Hours("debug");
  EXPECT_GE(hours.front(), 96 - 48 - 3 - 1);
  EXPECT_LE(hours.front(), 96 - 48);
  EXPECT_EQ(hours.back(), 95);
  EXPECT_EQ(hours.size(), static_cast<size_t>(96 - hours.front()));
  EXPECT_EQ(Hours("m").size(), 96u);
  EXPECT_THAT(PutHour("debug", 96 - 49),
              HasSubstr("partial write: points beyond retention policy dropped=1"));
  EXPECT_EQ(PutHour("debug", 96 - 47), "");
  EXPECT_EQ(PutHour("debug,host=a", 96 - 47), "");
  EXPECT_THAT(PutHour("debug,host=a", 0), HasSubstr("points beyond retention policy"));
  EXPECT_EQ(PutHour("m", 96 - 49), "");
  EXPECT_THAT(dropped, IsEmpty());
  Pass(60 * kHourNs);
  EXPECT_EQ(Query("SHOW MEASUREMENTS"), "measurements: m\n");
}

TEST_F(MeasurementRetentionTest, NothingNewToDeleteIsNoDelete) {
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  for (int64_t hour = 0; hour < 72; ++hour) {
    Pass(kHourNs);
    ASSERT_EQ(PutHour("debug", hour), "");
  }
  ASSERT_TRUE(enforcer->Enforce().ok());
  const size_t before = deleted.size();
  const uint64_t wal = store->Status().wal_bytes;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(enforcer->Enforce().ok());
  EXPECT_EQ(store->Status().wal_bytes, wal);
  EXPECT_EQ(deleted.size(), before);
  Reopen();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(enforcer->Enforce().ok());
  EXPECT_EQ(deleted.size(), before);
  Pass(24 * kHourNs);
  EXPECT_EQ(deleted.size(), before + 8);
}

TEST_F(MeasurementRetentionTest, AfterARestartItGoesOn) {
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  for (int64_t hour = 0; hour < 48; ++hour) {
    Pass(kHourNs);
    ASSERT_EQ(PutHour("debug", hour), "");
  }
  ASSERT_TRUE(store->Flush(true).ok());
  CutPower();
  EXPECT_THAT(Query("SHOW MEASUREMENT RETENTION ON d"), HasSubstr("p debug 48h0m0s"));
  Pass(24 * kHourNs);
  CutPower();
  const auto hours = Hours("debug");
  ASSERT_FALSE(hours.empty());
  EXPECT_GE(hours.front(), 72 - 48 - 4);
  EXPECT_EQ(hours.back(), 47);
}

TEST_F(MeasurementRetentionTest, WhatCameInWhileItWasKeptLongerGoesAgain) {
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  for (int64_t hour = 0; hour < 96; ++hour) {
    Pass(kHourNs);
    ASSERT_EQ(PutHour("debug", hour), "");
  }
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 4d");
  Pass(kHourNs);
  ASSERT_EQ(PutHour("debug", 10), "");
  EXPECT_EQ(Hours("debug").front(), 10);
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  Pass(kHourNs);
  EXPECT_GE(Hours("debug").front(), 98 - 48 - 4);
}

TEST_F(MeasurementRetentionTest, ContinuousQueriesKeepWhatTheyComputed) {
  Do("ALTER RETENTION POLICY p ON d MEASUREMENT debug DURATION 2d");
  Do("CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(v) AS v INTO daily FROM debug GROUP BY "
     "time(1d) END");
  queries->Tick();
  for (int64_t hour = 0; hour < 120; ++hour) {
    ASSERT_EQ(PutHour("debug", hour), "");
    Pass(kHourNs);
  }
  EXPECT_THAT(Query("SELECT v FROM daily"),
              base::StrCat("daily: ", kStartNs, " 24\ndaily: ", kStartNs + kDayNs, " 24\ndaily: ",
                           kStartNs + 2 * kDayNs, " 24\ndaily: ", kStartNs + 3 * kDayNs,
                           " 24\ndaily: ", kStartNs + 4 * kDayNs, " 24\n"));
  // A late point of a day that is whole no more.
  Pass(4 * kHourNs);
  runs.clear();
  ASSERT_EQ(Write(base::StrCat("debug v=1", At(Now() - 47 * kHourNs + 1))), "");
  Pass(kHourNs);
  for (const std::string& run : runs) EXPECT_THAT(run, ::testing::Not(HasSubstr("again"))) << run;
  EXPECT_EQ(queries->Status().at(0).windows_pending, 0u);
}

TEST_F(MeasurementRetentionTest, DeclaredOnesAreMadeAndGuarded) {
  DeclaredDatabase building;
  building.place = "v.conf:1";
  building.name = "building";
  DeclaredPolicy policy;
  policy.place = "v.conf:4";
  policy.spec.name = "realtime";
  policy.spec.duration_ns = 30 * kDayNs;
  policy.spec.measurements = {{"debug", 3 * kDayNs}};
  policy.is_default = true;
  building.policies.push_back(policy);
  ASSERT_TRUE(declarations.Apply({building}, *catalog).ok());
  EXPECT_EQ(Query("SHOW MEASUREMENT RETENTION ON building"), ": realtime debug 72h0m0s\n");
  building.policies[0].spec.measurements = {{"debug", 2 * kDayNs}, {"trace", kDayNs}};
  const auto changes = declarations.Apply({building}, *catalog);
  ASSERT_TRUE(changes.ok());
  EXPECT_THAT(*changes,
              ElementsAre("alter retention policy realtime on building: measurement debug 3d -> 2d",
                          "alter retention policy realtime on building: measurement trace as the "
                          "policy -> 1d"));
  EXPECT_EQ(Query("SHOW MEASUREMENT RETENTION ON building"),
            ": realtime debug 48h0m0s\n: realtime trace 24h0m0s\n");
  const auto again = declarations.Apply({building}, *catalog);
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(*again, IsEmpty());
  EXPECT_THAT(Query("ALTER RETENTION POLICY realtime ON building MEASUREMENT debug DURATION 1d"),
              HasSubstr("is declared in v.conf:4; change it there"));
}

// Points, changes of durations, restarts and time, beside a plain map: nothing is kept much longer
// than it may be, nothing goes earlier.
TEST_F(MeasurementRetentionTest, PropertyNothingGoesEarlyOrStaysLong) {
  std::mt19937_64 random(3);
  std::map<std::string, int64_t> durations;          // hours; the policy's where none
  std::set<std::pair<std::string, int64_t>> points;  // measurement, hour
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto limit = [&](const std::string& name) {
    const auto found = durations.find(name);
    return found == durations.end() ? 30 * 24 : found->second;
  };
  int64_t now = 0;
  for (int step = 0; step < 300; ++step) {
    switch (random() % 10) {
      case 0: {
        const std::string& name = names[random() % names.size()];
        const auto hours = static_cast<int64_t>(random() % 72 + 1);
        durations[name] = hours;
        Do(base::StrCat("ALTER RETENTION POLICY p ON d MEASUREMENT ", name, " DURATION ", hours,
                        "h"));
        break;
      }
      case 1: {
        const std::string& name = names[random() % names.size()];
        durations.erase(name);
        Do(base::StrCat("ALTER RETENTION POLICY p ON d MEASUREMENT ", name, " DURATION INF"));
        break;
      }
      case 2:
        if (random() % 3 == 0) CutPower();
        break;
      case 3:
        ASSERT_TRUE(store->Flush(random() % 2 == 0).ok());
        break;
      default:
        break;
    }
    Pass(20 * kMinuteNs);
    for (const std::string& name : names) {
      const int64_t hour = now - static_cast<int64_t>(random() % 80);
      if (hour < 0) continue;
      const std::string answer = PutHour(name, hour);
      if (now - hour < limit(name)) {  // it is twenty past
        ASSERT_EQ(answer, "") << name << " " << hour << " at " << now;
        points.insert({name, hour});
      } else {
        ASSERT_THAT(answer, HasSubstr("beyond retention")) << name << " " << hour << " at " << now;
      }
    }
    Pass(40 * kMinuteNs);
    ++now;
    for (const std::string& name : names) {
      const auto hours = Hours(name);
      const std::set<int64_t> stored(hours.begin(), hours.end());
      for (auto at = points.begin(); at != points.end();) {
        if (at->first != name) {
          ++at;
          continue;
        }
        const int64_t age = now - at->second;
        if (stored.contains(at->second)) {
          ASSERT_LE(age, limit(name) + 3 + 2) << name << " stays at " << now;
          ++at;
        } else {
          ASSERT_GE(age, limit(name)) << name << " " << at->second << " is gone at " << now;
          at = points.erase(at);
        }
      }
      for (const int64_t hour : hours) ASSERT_TRUE((points.contains({name, hour}))) << hour;
    }
  }
}

}  // namespace
}  // namespace varve::retention
