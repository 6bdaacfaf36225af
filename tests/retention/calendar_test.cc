// Continuous queries over windows of the calendar: when they run, over which windows, and what is
// stored in the end, beside a plain loop over days in zones whose clocks change.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "absl/time/time.h"
#include "retention/query_plan.h"
#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// The first instant of a day, the plain way: a second at a time is too slow, a minute is enough.
int64_t DayStart(absl::CivilDay day, absl::TimeZone zone) {
  absl::Time t = absl::FromCivil(day, absl::UTCTimeZone()) - absl::Hours(30);
  while (absl::ToCivilDay(t, zone) < day) t += absl::Minutes(1);
  return absl::ToUnixNanos(t);
}

// Starts of windows from 2024 to 2027.
std::vector<int64_t> MonthStarts(int step, absl::TimeZone zone, int64_t offset_ns) {
  std::vector<int64_t> starts;
  for (absl::CivilMonth m(2024, 1); m < absl::CivilMonth(2028, 1); m += step) {
    starts.push_back(DayStart(absl::CivilDay(m), zone) + offset_ns);
  }
  return starts;
}

std::vector<int64_t> WeekStarts(absl::Weekday weekday, absl::TimeZone zone) {
  std::vector<int64_t> starts;
  for (absl::CivilDay day(2024, 1, 1); day < absl::CivilDay(2028, 1, 1); ++day) {
    if (absl::GetWeekday(day) == weekday) starts.push_back(DayStart(day, zone));
  }
  return starts;
}

struct Case {
  const char* interval;
  std::function<std::vector<int64_t>(absl::TimeZone)> starts;
};

std::vector<Case> Cases() {
  return {
      {"1mo", [](absl::TimeZone zone) { return MonthStarts(1, zone, 0); }},
      {"1q", [](absl::TimeZone zone) { return MonthStarts(3, zone, 0); }},
      {"1mo, 9h", [](absl::TimeZone zone) { return MonthStarts(1, zone, 9 * kHourNs); }},
      {"1w, monday", [](absl::TimeZone zone) { return WeekStarts(absl::Weekday::monday, zone); }},
      {"1w, sunday", [](absl::TimeZone zone) { return WeekStarts(absl::Weekday::sunday, zone); }},
  };
}

// Lord Howe's clocks change by half an hour; Santiago's skip a midnight.
constexpr const char* kZones[] = {
    "UTC",           "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe",
    "Asia/Kathmandu"};

std::shared_ptr<const QueryPlan> Plan(const std::string& resample, const std::string& interval,
                                      const std::string& zone) {
  meta::CatalogData catalog;
  meta::Database database;
  database.id = 1;
  database.name = "d";
  database.default_policy = "autogen";
  database.policies.push_back({.name = "autogen"});
  catalog.databases.push_back(database);
  const auto plan =
      QueryPlan::Make(catalog, database,
                      {"c", base::StrCat("CREATE CONTINUOUS QUERY c ON d ", resample,
                                         " BEGIN SELECT sum(v) INTO o FROM m GROUP BY time(",
                                         interval, ") TZ('", zone, "') END")});
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : nullptr;
}

TEST(CalendarPlanTest, PropertyEachWindowRunsOnceWhenItIsOver) {
  std::mt19937_64 random(11);
  for (const char* zone : kZones) {
    for (const Case& test : Cases()) {
      SCOPED_TRACE(base::StrCat(test.interval, " ", zone));
      const auto plan = Plan("", test.interval, zone);
      ASSERT_NE(plan, nullptr);
      const std::vector<int64_t> starts = test.starts(Zone(zone));
      size_t next = 1;  // the window that is open
      std::optional<int64_t> last_run;
      int64_t now_ns = starts[0] + 5 * kDayNs;
      const auto first = plan->DueAt(last_run, now_ns);
      ASSERT_TRUE(first.has_value());
      EXPECT_EQ(first->span.start_ns, first->span.end_ns);
      last_run = first->last_run_ns;
      while (true) {
        // Now and then the server is down for months.
        now_ns += static_cast<int64_t>(
            random() % static_cast<uint64_t>(random() % 50 == 0 ? 100 * kDayNs : 30 * kHourNs));
        // And often it is asked at the very moment, or just before.
        if (random() % 3 == 0) {
          const auto at = std::lower_bound(starts.begin(), starts.end(), now_ns);
          if (at != starts.end() && *at - now_ns < 2 * kDayNs) {
            now_ns = *at - static_cast<int64_t>(random() % 2);
          }
        }
        if (now_ns >= starts.back()) break;
        const auto over = static_cast<size_t>(
            std::upper_bound(starts.begin(), starts.end(), now_ns) - starts.begin());
        const auto due = plan->DueAt(last_run, now_ns);
        ASSERT_EQ(due.has_value(), over > next) << now_ns;
        ASSERT_EQ(plan->NextRun(*last_run), starts[next]);
        ASSERT_EQ(plan->EndedAt(now_ns), starts[over - 1]);
        if (!due.has_value()) continue;
        ASSERT_EQ(due->span.start_ns, starts[next - 1]);
        ASSERT_EQ(due->span.end_ns, starts[over - 1]);
        ASSERT_EQ(plan->WindowCount(due->span), over - next);
        ASSERT_EQ(plan->UsualStart(now_ns), starts[over - 2]);
        last_run = due->last_run_ns;
        next = over;
        ASSERT_EQ(plan->NextStart(*last_run), starts[next - 1]);
      }
      EXPECT_GT(next, starts.size() / 2);
    }
  }
}

TEST(CalendarPlanTest, PropertyResamplingLosesNoWindowAndGoesBackAsFarAsItSays) {
  std::mt19937_64 random(12);
  constexpr int64_t kEvery[] = {6 * kHourNs, kDayNs, 7 * kDayNs, 45 * kDayNs};
  for (const char* zone : kZones) {
    for (const Case& test : Cases()) {
      const std::vector<int64_t> starts = test.starts(Zone(zone));
      for (const int64_t every_ns : kEvery) {
        for (const int64_t for_ns : {int64_t{0}, 150 * kDayNs}) {
          SCOPED_TRACE(base::StrCat(test.interval, " ", zone, " ", every_ns / kHourNs, "h ",
                                    for_ns / kDayNs, "d"));
          const auto plan =
              Plan(base::StrCat("RESAMPLE EVERY ", every_ns / kHourNs, "h",
                                for_ns == 0 ? "" : base::StrCat(" FOR ", for_ns / kDayNs, "d")),
                   test.interval, zone);
          ASSERT_NE(plan, nullptr);
          // FOR goes back to no time before the first of `starts`.
          const auto begin = static_cast<size_t>(
              std::lower_bound(starts.begin(), starts.end(), starts[0] + 200 * kDayNs) -
              starts.begin());
          int64_t now_ns = starts[begin];
          std::optional<int64_t> last_run = plan->DueAt(std::nullopt, now_ns)->last_run_ns;
          // Windows from the present one on must be computed after their end, in the first run that
          // is.
          size_t whole = begin;
          while ((now_ns += static_cast<int64_t>(random() % (8 * kHourNs))) < starts.back()) {
            const auto due = plan->DueAt(last_run, now_ns);
            if (!due.has_value()) continue;
            const auto over = static_cast<size_t>(
                std::upper_bound(starts.begin(), starts.end(), now_ns) - starts.begin());
            ASSERT_LE(due->span.start_ns, starts[std::min(whole, over - 1)]) << now_ns;
            ASSERT_GE(due->span.end_ns, starts[over - 1]) << now_ns;
            ASSERT_TRUE(std::binary_search(starts.begin(), starts.end(), due->span.start_ns));
            ASSERT_TRUE(std::binary_search(starts.begin(), starts.end(), due->span.end_ns));
            if (for_ns != 0) {
              ASSERT_LE(due->span.start_ns, *std::lower_bound(starts.begin(), starts.end(),
                                                              plan->NextRun(*last_run) - for_ns));
            }
            whole = over - 1;
            last_run = due->last_run_ns;
          }
        }
      }
    }
  }
}

class CalendarTest : public World {
 protected:
  std::map<int64_t, int64_t> Stored(std::string_view select) {
    std::map<int64_t, int64_t> values;
    const std::string answer = Query(select);
    for (size_t at = 0; at < answer.size(); at = answer.find('\n', at) + 1) {
      const std::string line = answer.substr(answer.find(": ", at) + 2, 80);
      int64_t time_ns = 0;
      int64_t value = 0;
      EXPECT_EQ(std::sscanf(line.c_str(), "%ld %ld", &time_ns, &value), 2) << line;
      values[time_ns] = value;
    }
    return values;
  }
};

TEST_F(CalendarTest, PropertyEnergyByMonthIsWhatThePlainLoopSays) {
  std::mt19937_64 random(13);
  Do("CREATE RETENTION POLICY keep ON d DURATION INF REPLICATION 1");
  std::map<std::string, std::pair<std::vector<int64_t>, std::map<int64_t, int64_t>>> expected;
  int number = 0;
  for (const char* zone : kZones) {
    for (const Case& test : Cases()) {
      const std::string name = base::StrCat("o", ++number);
      Do(base::StrCat("CREATE CONTINUOUS QUERY ", name, " ON d ",
                      number % 3 == 0 ? "RESAMPLE EVERY 1d " : "",
                      "BEGIN SELECT sum(kwh) AS v INTO keep.", name, " FROM meter GROUP BY time(",
                      test.interval, ") TZ('", zone, "') END"));
      expected[name].first = test.starts(Zone(zone));
    }
  }
  queries->Tick();
  const auto add = [&](int64_t time_ns, int64_t kwh) {
    ASSERT_EQ(Write(base::StrCat("meter kwh=", kwh, "i ", time_ns)), "");
    for (auto& [name, windows] : expected) {
      const auto after = std::upper_bound(windows.first.begin(), windows.first.end(), time_ns);
      windows.second[*std::prev(after)] += kwh;
    }
  };
  const int64_t end_ns = kStartNs + 300 * kDayNs;
  int64_t unique = 0;
  for (int64_t step = 0; Now() < end_ns; ++step) {
    for (int i = 0; i < 3; ++i) {
      const int64_t back = random() % 5 == 0 ? 60 * kDayNs : 7 * kHourNs;
      const int64_t time_ns = Now() - static_cast<int64_t>(random() % static_cast<uint64_t>(back));
      ++unique;  // no two points share a time
      if (time_ns > kStartNs) add(time_ns / 1000 * 1000 + unique % 1000, unique);
    }
    if (step % 400 == 399) CutPower();
    Advance(7 * kHourNs);
    queries->Tick();
  }
  for (int i = 0; i < 10; ++i) {
    Advance(kMinuteNs);
    queries->Tick();
  }
  for (const auto& [name, windows] : expected) {
    std::map<int64_t, int64_t> over;
    for (const auto& [start, sum] : windows.second) {
      if (*std::upper_bound(windows.first.begin(), windows.first.end(), start) <= Now()) {
        over[start] = sum;
      }
    }
    std::map<int64_t, int64_t> stored =
        Stored(base::StrCat("SELECT v FROM keep.", name, " WHERE time <= ", over.rbegin()->first));
    EXPECT_EQ(stored, over) << name;
    EXPECT_GT(over.size(), 2u);
  }
}

TEST_F(CalendarTest, ALatePointMarksItsOwnWindowOnly) {
  env.SetNowNs(1'785'542'400 * kSecondNs);  // 2026-08-01
  Do("CREATE CONTINUOUS QUERY c ON d BEGIN SELECT sum(v) AS v INTO o FROM m GROUP BY time(1mo) "
     "TZ('Europe/Berlin') END");
  queries->Tick();
  runs.clear();
  // 2026-06-30T22:30:00Z is in July there.
  ASSERT_EQ(Write("m v=1" + At(1'782'858'600 * kSecondNs)), "");
  queries->Tick();
  EXPECT_THAT(runs, ElementsAre(base::StrCat("again c ", 1'782'856'800 - kStartNs / kSecondNs, "..",
                                             1'785'535'200 - kStartNs / kSecondNs)));
  EXPECT_EQ(queries->Status().at(0).windows_recomputed, 1u);
}

TEST_F(CalendarTest, BackfillCountsMonths) {
  for (int64_t day = 0; day < 100; ++day) {
    ASSERT_EQ(Write("m v=1" + At(kStartNs - day * kDayNs)), "");
  }
  Do("CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(v) AS n INTO o FROM m GROUP BY time(1mo) "
     "END");
  // From 2025-10-01 to 2026-01-01.
  EXPECT_EQ(Query("BACKFILL CONTINUOUS QUERY c ON d FROM '2025-10-15' TO '2026-02-01'"),
            "backfill: 1759276800000000000 1767225600000000000 3 3\n");
  EXPECT_EQ(Query("SELECT n FROM o"),
            "o: 1759276800000000000 31\no: 1761955200000000000 30\no: 1764547200000000000 31\n");
}

}  // namespace
}  // namespace varve::retention
