// After a DELETE that empties windows a continuous query's own points of them go, and nothing else.
#include "retention/stale_points.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::IsEmpty;

class StalePointsTest : public World {
 protected:
  void Create(std::string_view rest) {
    Do(base::StrCat("CREATE CONTINUOUS QUERY ", rest));
    queries->Tick();
  }
  void Pass(int64_t ns, int64_t step = 10 * kSecondNs) {
    for (int64_t left = ns; left > 0; left -= step) {
      Advance(std::min(left, step));
      queries->Tick();
    }
  }
  void Put(std::string_view series_and_fields, int64_t seconds, std::string_view policy = "") {
    ASSERT_EQ(Write(base::StrCat(series_and_fields, " ", kStartNs + seconds * kSecondNs), policy),
              "");
  }
  // Deletes the points of m at seconds, and of what else the condition says.
  void Delete(int64_t from, int64_t to, std::string_view also = "") {
    Do(base::StrCat("DELETE FROM m WHERE time >= ", kStartNs + from * kSecondNs, " AND time < ",
                    kStartNs + to * kSecondNs, also));
    Pass(20 * kSecondNs);
  }
  // "host@second=cells" of each row of `measurement`, one after the other.
  std::string Stored(std::string_view measurement) {
    std::string out;
    const std::string answer = Query(base::StrCat("SELECT * FROM ", measurement, " GROUP BY host"));
    for (size_t at = 0; at < answer.size(); at = answer.find('\n', at) + 1) {
      const std::string line = answer.substr(at, answer.find('\n', at) - at);
      const size_t host = line.find("host=");
      const size_t colon = line.find(": ");
      if (host == std::string::npos || colon == std::string::npos) return line;
      const size_t space = line.find(' ', colon + 2);
      const int64_t time_ns = std::stoll(line.substr(colon + 2, space - colon - 2));
      base::StrAppend(out, out.empty() ? "" : " ", line.substr(host + 5, colon - host - 5), "@",
                      (time_ns - kStartNs) / kSecondNs, "=", line.substr(space + 1));
    }
    return out;
  }
};

constexpr char kMinuteSum[] =
    "c ON d BEGIN SELECT sum(v) AS v INTO minute FROM m GROUP BY time(1m), * END";

TEST_F(StalePointsTest, AnEmptiedWindowLosesItsPointAndOthersKeepTheirs) {
  Create(kMinuteSum);
  for (const char* host : {"a", "b"}) {
    for (int64_t second = 0; second < 180; second += 30) {
      Put(base::StrCat("m,host=", host, " v=1"), second);
    }
  }
  Pass(3 * kMinuteNs);
  ASSERT_EQ(Stored("minute"), "a@0=2 a@60=2 a@120=2 b@0=2 b@60=2 b@120=2");
  Delete(60, 120, " AND host = 'a'");
  EXPECT_EQ(Stored("minute"), "a@0=2 a@120=2 b@0=2 b@60=2 b@120=2");
  // Half of a window is computed again, as ever.
  Delete(0, 30, " AND host = 'b'");
  EXPECT_EQ(Stored("minute"), "a@0=2 a@120=2 b@0=1 b@60=2 b@120=2");
  Delete(30, 60, " AND host = 'b'");
  EXPECT_EQ(Stored("minute"), "a@0=2 a@120=2 b@60=2 b@120=2");
  Do("DELETE FROM m");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "");
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(StalePointsTest, APointOfAWindowThatFillsAgainStays) {
  Create(kMinuteSum);
  Put("m,host=a v=1", 0);
  Pass(kMinuteNs);
  Do("DELETE FROM m");
  Put("m,host=a v=5", 10);
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@0=5");
}

TEST_F(StalePointsTest, SeveralDeletesMayEmptyAWindowTogether) {
  // Groups hold several series.
  Create("c ON d BEGIN SELECT sum(v) AS v INTO minute FROM m GROUP BY time(1m), host END");
  for (const char* tags : {"host=a,disk=x", "host=a,disk=y", "host=b,disk=x"}) {
    Put(base::StrCat("m,", tags, " v=1"), 0);
    Put(base::StrCat("m,", tags, " v=1"), 60);
  }
  Pass(2 * kMinuteNs);
  ASSERT_EQ(Stored("minute"), "a@0=2 a@60=2 b@0=1 b@60=1");
  Do("DELETE FROM m WHERE disk = 'x' AND time < 1767571260s");
  Do("DELETE FROM m WHERE disk = 'y' AND time < 1767571260s");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@60=2 b@60=1");
  // And with a computation in between.
  Do("DELETE FROM m WHERE disk = 'x'");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@60=1");
  Do("DELETE FROM m WHERE disk = 'y'");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "");
}

TEST_F(StalePointsTest, UpperLevelsFollow) {
  Create("c ON d BEGIN SELECT sum(v) AS v INTO minute FROM m GROUP BY time(1m), * END");
  Create("h ON d BEGIN SELECT sum(v) AS v INTO hour FROM minute GROUP BY time(1h), * END");
  for (int64_t minute = 0; minute < 120; ++minute) Put("m,host=a v=1", minute * 60);
  Pass(2 * kHourNs, kMinuteNs);
  ASSERT_EQ(Stored("hour"), "a@0=60 a@3600=60");
  Delete(0, 3600);
  Pass(kMinuteNs);
  EXPECT_EQ(Stored("hour"), "a@3600=60");
  Delete(3600, 5400);
  Pass(kMinuteNs);
  EXPECT_EQ(Stored("hour"), "a@3600=30");
}

TEST_F(StalePointsTest, BackReferencesAreFollowedToTheirMeasurements) {
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Create(
      "c ON d BEGIN SELECT mean(*) INTO keep.:MEASUREMENT FROM /^m[12]?$/ GROUP BY time(1m), * "
      "END");
  Put("m,host=a v=1,w=2i", 0);
  Put("m1,host=a v=1", 0);
  Put("m2,host=a v=3", 0);
  Pass(kMinuteNs);
  Do("DELETE FROM m");
  Do("DELETE FROM /^m2$/");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("keep.m"), "");
  EXPECT_EQ(Stored("keep.m1"), "a@0=1");
  EXPECT_EQ(Stored("keep.m2"), "");
}

TEST_F(StalePointsTest, FloatsMayHaveBeenAddedInAnotherOrder) {
  Create(kMinuteSum);
  Put("m,host=a v=0.3", 0);
  Put("m,host=a v=0.3", 60);
  Pass(2 * kMinuteNs);
  Put("minute,host=a v=0.30000000000000004", 0);
  Put("minute,host=a v=0.300001", 60);
  Delete(0, 120);
  EXPECT_EQ(Stored("minute"), "a@60=0.300001");
}

TEST_F(StalePointsTest, WhatIsNotWhatTheQuerySaidStays) {
  Create(kMinuteSum);
  for (int64_t minute = 0; minute < 6; ++minute) Put("m,host=a v=1", minute * 60);
  Pass(6 * kMinuteNs);
  Put("minute,host=a v=2", 60);          // corrected by hand
  Put("minute,host=a note=\"x\"", 120);  // a field of somebody else
  Put("minute,host=a v=1", 150);         // no window begins there
  Put("minute,host=a,dc=x v=1", 180);    // another series
  Put("minute,host=a v=1", -60);         // from before, where there never were points
  Delete(-600, 600);
  EXPECT_EQ(Query("SELECT v, note, host, dc FROM minute"),
            base::StrCat("minute:", At(kStartNs - kMinuteNs), " 1 null a null\n",
                         "minute:", At(kStartNs + kMinuteNs), " 2 null a null\n",
                         "minute:", At(kStartNs + 120 * kSecondNs), " 1 x a null\n",
                         "minute:", At(kStartNs + 150 * kSecondNs), " 1 null a null\n",
                         "minute:", At(kStartNs + 180 * kSecondNs), " 1 null a x\n"));
}

TEST_F(StalePointsTest, ATargetOfTwoQueriesIsLeftAlone) {
  Create(kMinuteSum);
  Create("e ON d BEGIN SELECT max(v) AS w INTO minute FROM other GROUP BY time(1m), * END");
  Put("m,host=a v=1", 0);
  Pass(kMinuteNs);
  Do("DELETE FROM m");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@0=1");
}

TEST_F(StalePointsTest, DroppedSeriesKeepWhatWasComputedOfThem) {
  Create(kMinuteSum);
  Put("m,host=a v=1", 0);
  Put("m,host=b v=1", 0);
  Pass(kMinuteNs);
  Do("DROP SERIES FROM m WHERE host = 'a'");
  Do("DROP MEASUREMENT m");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@0=1 b@0=1");
}

TEST_F(StalePointsTest, QueriesThatGiveSeveralRowsOrLookBesideTheWindowKeepAll) {
  Create("t ON d BEGIN SELECT top(v, 2) AS v INTO o1 FROM m GROUP BY time(1m), * END");
  Create("f ON d BEGIN SELECT sum(v) AS v INTO o2 FROM m GROUP BY time(1m), * fill(0) END");
  Create("x ON d BEGIN SELECT max(v) AS v, w INTO o3 FROM m GROUP BY time(1m), * END");
  Put("m,host=a v=1,w=1", 0);
  Pass(kMinuteNs);
  Do("DELETE FROM m");
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("o1"), "a@0=1");
  EXPECT_EQ(Stored("o2"), "a@0=1");
  EXPECT_EQ(Stored("o3"), "a@0=1 1");
}

TEST_F(StalePointsTest, WhatRetentionHasCutSaysNothing) {
  Do("CREATE RETENTION POLICY raw ON d DURATION 2h REPLICATION 1 SHARD DURATION 1h DEFAULT");
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  Create("c ON d BEGIN SELECT sum(v) AS v INTO keep.o FROM m GROUP BY time(90m), * END");
  for (int64_t minute = 0; minute < 180; ++minute) {
    Put("m,host=a v=1", minute * 60);
    Pass(kMinuteNs, kMinuteNs);
  }
  Pass(11 * kMinuteNs, kMinuteNs);
  ASSERT_TRUE(enforcer->Enforce().ok());
  ASSERT_EQ(dropped.size(), 1u);  // the first hour
  Do("DELETE FROM m");
  Pass(kMinuteNs);
  EXPECT_EQ(Stored("keep.o"), "a@0=90");
}

TEST_F(StalePointsTest, AfterACrashBetweenPointsStay) {
  Create(kMinuteSum);
  Put("m,host=a v=1", 0);
  Pass(kMinuteNs);
  Do("DELETE FROM m");
  CutPower();
  Pass(20 * kSecondNs);
  EXPECT_EQ(Stored("minute"), "a@0=1");
}

TEST_F(StalePointsTest, PropertyTheTargetIsWhatThePointsSayAndWhatOthersWrote) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 4; ++round) {
    if (round > 0) Do("DROP DATABASE d; CREATE DATABASE d");
    const bool by_host = round % 2 == 1;
    Create(
        base::StrCat("c ON d BEGIN SELECT sum(v) AS v, count(v) AS n INTO minute FROM m GROUP BY "
                     "time(1m), ",
                     by_host ? "host" : "*", " END"));
    std::map<std::pair<std::string, int64_t>, int64_t> points;  // series, second -> value
    std::map<std::pair<std::string, int64_t>, std::string> by_hand;
    const int64_t begin = (Now() - kStartNs) / kSecondNs / 60 * 60 + 60;
    const int64_t seconds = 60 * 40;
    for (int i = 0; i < 12; ++i) {
      const int64_t second = begin + static_cast<int64_t>(random() % 40) * 60;
      const char* const host = random() % 2 == 0 ? "host=a" : "host=z";
      Put(base::StrCat("minute,", host, " v=777i,n=7i"), second);
      by_hand[{host, second}] = "v=777 n=7";
    }
    for (int i = 0; i < 400; ++i) {
      const std::string series = base::StrCat("host=", random() % 2 == 0 ? "a" : "b",
                                              by_host ? ",disk=" : "", by_host ? random() % 2 : 0);
      const std::string tags = by_host ? series : series.substr(0, 6);
      const int64_t second = begin + static_cast<int64_t>(random() % seconds);
      const auto value = static_cast<int64_t>(random() % 100 + 1);
      Put(base::StrCat("m,", tags, " v=", value, "i"), second);
      points[{tags, second}] = value;
    }
    Pass((begin + seconds - (Now() - kStartNs) / kSecondNs + 60) * kSecondNs, kMinuteNs);
    std::set<std::pair<std::string, int64_t>> computed;
    for (const auto& [key, value] : points) {
      computed.insert({key.first.substr(0, 6), key.second / 60 * 60});
    }
    for (int i = 0; i < 25; ++i) {
      const int64_t from = begin + static_cast<int64_t>(random() % seconds);
      const int64_t to = from + static_cast<int64_t>(random() % 400);
      const char* const conditions[] = {"", " AND host = 'a'", " AND host = 'b'",
                                        by_host ? " AND disk = '1'" : " AND host =~ /a|b/"};
      const std::string also = conditions[random() % 4];
      Do(base::StrCat("DELETE FROM m WHERE time >= ", kStartNs + from * kSecondNs, " AND time < ",
                      kStartNs + to * kSecondNs, also));
      std::erase_if(points, [&](const auto& point) {
        const auto& [series, second] = point.first;
        const bool matches =
            also.empty() || also.find("=~") != std::string::npos ||
            series.find(also.substr(also.size() - 2, 1)) == series.size() - 1 ||
            (also.find("host") != std::string::npos && series[5] == also[also.size() - 2]);
        return matches && second >= from && second < to;
      });
      if (random() % 2 == 0) Pass(20 * kSecondNs);
      if (random() % 5 == 0) {
        ASSERT_TRUE(store->Flush(random() % 2 == 0).ok());
      }
    }
    Pass(kMinuteNs);
    std::map<std::pair<std::string, int64_t>, std::pair<int64_t, int64_t>> expected;
    for (const auto& [key, value] : points) {
      auto& [sum, count] = expected[{key.first.substr(0, 6), key.second / 60 * 60}];
      sum += value;
      ++count;
    }
    std::map<std::pair<std::string, int64_t>, std::string> rows;
    for (const auto& [key, values] : expected) {
      rows[key] = base::StrCat("v=", values.first, " n=", values.second);
    }
    std::map<std::pair<std::string, int64_t>, std::string> found;
    const std::string answer = Query("SELECT v, n FROM minute GROUP BY host");
    for (size_t at = 0; at < answer.size(); at = answer.find('\n', at) + 1) {
      char host = 0;
      long time_ns = 0, v = 0, n = 0;
      ASSERT_EQ(
          std::sscanf(answer.c_str() + at, "minute,host=%c: %ld %ld %ld", &host, &time_ns, &v, &n),
          4)
          << answer.substr(at, 100);
      found[{base::StrCat("host=", std::string(1, host)), (time_ns - kStartNs) / kSecondNs}] =
          base::StrCat("v=", v, " n=", n);
    }
    // The query has written over what was written by hand, but where it never had anything to say.
    for (const auto& [key, text] : by_hand) {
      if (!computed.contains(key)) rows[key] = text;
    }
    EXPECT_EQ(found, rows) << "round " << round;
  }
}

}  // namespace
}  // namespace varve::retention
