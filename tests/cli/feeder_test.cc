#include "cli/feeder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/strings.h"

namespace varve::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'780'272'000 + 9 * 3600;  // 2026-06-01 09:00
constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 86400;

// A server that keeps the times of each measurement by policy, and is away as often as it is told.
class FakeServer : public ServerClient {
 public:
  absl::StatusOr<Answer> Query(std::string_view, std::string_view text) override {
    if (away > 0 && away-- > 0) return base::Unavailable("no answer");
    queries.emplace_back(text);
    AnswerStatement statement;
    if (text.starts_with("SHOW RETENTION POLICIES")) {
      if (!there) {
        statement.error = "database not found";
      } else {
        AnswerSeries series{"", {}, {"name", "duration", "default"}, {}, {}};
        for (const auto& [name, duration] : policies) {
          series.rows.push_back(
              {{name, {}}, {duration, {}}, {name == policies[0].first ? "true" : "false", {}}});
        }
        statement.series.push_back(series);
      }
    } else if (text.starts_with("CREATE DATABASE")) {
      there = true;
    } else if (text.starts_with("SELECT last(temperature)")) {
      const auto& readings = times[{"", "climate"}];
      if (!readings.empty()) {
        statement.series.push_back(
            {"climate", {}, {"time", "last"}, {{}}, {readings.rbegin()->first * 1'000'000'000}});
      }
    } else if (text.starts_with("SHOW CONTINUOUS QUERIES")) {
      const auto query = [](const char* name, const char* window) -> std::vector<AnswerCell> {
        const std::string select =
            base::StrCat("CREATE ... SELECT mean(a) ... GROUP BY time(", window, "), * END");
        return {{name, {}}, {select, {}}};
      };
      statement.series.push_back({"b", {}, {"name", "query"}, {}, {}});
      statement.series[0].rows = {query("by_hour", "1h"), query("by_minute", "1m")};
      statement.series.push_back({"other", {}, {"name", "query"}, {query("x", "1m")}, {}});
    }
    return Answer{statement};
  }

  absl::Status Write(const WriteTarget& target, std::string_view lines) override {
    if (away > 0 && away-- > 0) return base::Unavailable("cache full");
    EXPECT_EQ(target.database, "b");
    EXPECT_EQ(target.precision, "s");
    longest = std::max(longest, lines.size());
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(line.size() + 1);
      const std::string measurement(line.substr(0, line.find(',')));
      ++times[{target.retention_policy, measurement}]
             [std::atoll(line.data() + line.rfind(' ') + 1)];
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> Health() override { return std::vector<std::string>(); }

  bool there = true;
  std::vector<std::pair<std::string, std::string>> policies = {{"raw", "720h0m0s"}, {"hour", "0s"}};
  int away = 0;
  size_t longest = 0;
  std::vector<std::string> queries;
  // Lines by policy, measurement and time.
  std::map<std::pair<std::string, std::string>, std::map<int64_t, size_t>> times;
};

class FeederTest : public ::testing::Test {
 protected:
  Feeder::Options Options() {
    Feeder::Options options;
    options.database = "b";
    options.sensors = 10;
    options.interval_s = 60;
    options.backfill_s = 2 * kDay;
    options.history_s = 10 * kDay;
    options.wait = [this](int64_t seconds) {
      if (seconds > 0) pauses.push_back(seconds);
      return pauses.size() < patience;
    };
    options.note = [this](const std::string& text) { notes.push_back(text); };
    return options;
  }
  std::map<int64_t, size_t>& Times(const std::string& policy, const std::string& measurement) {
    return server.times[{policy, measurement}];
  }

  FakeServer server;
  std::vector<int64_t> pauses;
  std::vector<std::string> notes;
  size_t patience = 1000;
};

TEST_F(FeederTest, FillsAnEmptyDatabase) {
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  ASSERT_TRUE(feeder.FillUpTo(kNow, Building::Late::kInPlace).ok());
  const auto& readings = Times("", "climate");
  EXPECT_EQ(readings.begin()->first, kNow - 2 * kDay);
  EXPECT_EQ(readings.rbegin()->first, kNow);
  EXPECT_EQ(readings.size(), 2u * 24 * 60 + 1);
  const auto& hours = Times("hour", "climate");
  EXPECT_EQ(hours.begin()->first, kNow - 10 * kDay);
  EXPECT_EQ(hours.rbegin()->first, kNow - 2 * kDay - kHour);  // no hour both ways
  EXPECT_EQ(hours.size(), 8u * 24);
  EXPECT_EQ(hours.begin()->second, 10u);
  EXPECT_EQ(Times("hour", "energy").size(), 8u * 24);
  EXPECT_GT(Times("hour", "events").size(), 3u);
  EXPECT_EQ(Times("hour", "levels").at(0), 6u);
  EXPECT_EQ(feeder.next_s(), kNow + 60);
  EXPECT_LT(server.longest, 600u << 10);

  ASSERT_TRUE(feeder.ComputeLevels(kNow).ok());
  const std::string times =
      base::StrCat(" FROM ", (kNow - 2 * kDay) * 1'000'000'000, " TO ", kNow * 1'000'000'000);
  ASSERT_GE(server.queries.size(), 2u);
  EXPECT_EQ(server.queries[server.queries.size() - 2],
            "BACKFILL CONTINUOUS QUERY by_minute ON b" + times);
  EXPECT_EQ(server.queries.back(), "BACKFILL CONTINUOUS QUERY by_hour ON b" + times);
}

TEST_F(FeederTest, GoesOnWhereTheReadingsEnd) {
  {
    Feeder feeder(server, Options());
    ASSERT_TRUE(feeder.Prepare(kNow - kHour).ok());
    ASSERT_TRUE(feeder.FillUpTo(kNow - kHour, Building::Late::kInPlace).ok());
  }
  auto once = server.times;
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  EXPECT_EQ(server.times, once);
  EXPECT_EQ(feeder.next_s(), kNow - kHour + 60);
  ASSERT_TRUE(feeder.FillUpTo(kNow, Building::Late::kHeld).ok());
  EXPECT_EQ(Times("", "climate").rbegin()->first, kNow);
  EXPECT_EQ(Times("", "energy").size(), 49u * 60 + 1);
  EXPECT_EQ(Times("", "energy").at(kNow - kHour), 5u);
}

TEST_F(FeederTest, KeepsWithinThePolicy) {
  server.policies = {{"raw", "24h0m0s"}};
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  EXPECT_EQ(feeder.next_s(), kNow - 23 * kHour);
  ASSERT_TRUE(feeder.FillUpTo(kNow, Building::Late::kInPlace).ok());
  for (const auto& [where, lines] : server.times) EXPECT_EQ(where.first, "") << where.second;
}

TEST_F(FeederTest, MakesTheDatabase) {
  server.there = false;
  server.policies = {{"autogen", "0s"}};
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  EXPECT_EQ(server.queries[1], "CREATE DATABASE b");
  EXPECT_EQ(feeder.next_s(), kNow - 2 * kDay);
}

TEST_F(FeederTest, WaitsForAServerThatIsAway) {
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  server.away = 7;
  ASSERT_TRUE(feeder.FillUpTo(kNow, Building::Late::kHeld).ok());
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 30, 30));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("cache full")));  // told once
  for (const auto& [time, lines] : Times("", "energy")) EXPECT_EQ(lines, 5u) << time;
  EXPECT_EQ(Times("", "energy").size(), 2u * 24 * 60 + 1);
}

TEST_F(FeederTest, StopsWhileItWaits) {
  Feeder feeder(server, Options());
  ASSERT_TRUE(feeder.Prepare(kNow).ok());
  server.away = 1000;
  patience = 3;
  EXPECT_EQ(feeder.FillUpTo(kNow, Building::Late::kHeld).code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4));
  EXPECT_EQ(feeder.next_s(), kNow - 2 * kDay);  // nothing is taken for sent
}

}  // namespace
}  // namespace varve::cli
