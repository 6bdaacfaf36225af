// What is read for a range of time, by the counts of EXPLAIN and EXPLAIN ANALYZE.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/strings.h"
#include "tests/conformance/world.h"
#include "tests/query/read_counts.h"

namespace varve::conformance {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kWeek = 7 * 86'400 * kSecond;

class TimesReadTest : public ::testing::Test {
 protected:
  // Ten shards, a week each, of 100 points.
  TimesReadTest() : world_(0) {
    world_.CreateDatabase("d");
    for (int64_t week = 0; week < 10; ++week) {
      std::string lines;
      for (int64_t i = 0; i < 100; ++i) {
        base::StrAppend(lines, "m,h=a v=", i, " ", week * kWeek + i * 1000 * kSecond, "\n");
      }
      EXPECT_EQ(world_.Write({lines, "d", "", "n"}).status, 204);
    }
    EXPECT_TRUE(world_.Settle(Storage::kFlushed).ok());
  }

  int64_t Shards(std::string_view where) {
    return NumberBehind(Ask(world_, base::StrCat("EXPLAIN SELECT v FROM m WHERE ", where)),
                        "NUMBER OF SHARDS: ");
  }
  int64_t Read(std::string_view what, const std::string& select) {
    return CountRead(world_, select, what);
  }

  static std::string Day(int64_t week, int64_t day) {
    const int64_t start = week * kWeek + day * 86'400 * kSecond;
    return base::StrCat("time BETWEEN ", start, " AND ", start + 86'400 * kSecond - 1);
  }

  World world_;
};

TEST_F(TimesReadTest, OnlyTheShardsOfTheRangesAreOpened) {
  EXPECT_EQ(Shards(Day(1, 0)), 1);
  EXPECT_EQ(Shards(base::StrCat(Day(1, 0), " OR ", Day(8, 0))), 2);
  EXPECT_EQ(
      Shards(base::StrCat("(", Day(1, 0), " OR ", Day(4, 1), " OR ", Day(8, 0), ") AND h = 'a'")),
      3);
  // Shards begin on Mondays, 1970 on a Thursday.
  EXPECT_EQ(Shards(base::StrCat("time >= ", kWeek, " AND time < ", 9 * kWeek)), 9);
}

TEST_F(TimesReadTest, OnlyTheBlocksOfTheRangesAreDecoded) {
  const auto select = [](std::string_view where) {
    return base::StrCat("SELECT v FROM m WHERE ", where);
  };
  const std::string both = base::StrCat(Day(1, 0), " OR ", Day(8, 0));
  const int64_t one = Read("blocks_decoded", select(Day(1, 0)));
  EXPECT_GT(one, 0);
  EXPECT_EQ(Read("blocks_decoded", select(both)), 2 * one);
  EXPECT_GE(Read("blocks_decoded", select(base::StrCat("time >= ", kWeek))), 9 * one);
}

TEST_F(TimesReadTest, WindowsOfTheCalendarAreAnsweredByStatistics) {
  // 1970-01-01 to 1970-03-12: every shard lies in one year, most in one month.
  const std::string range = base::StrCat(" FROM m WHERE time >= 0 AND time < ", 10 * kWeek);
  const std::string by_year = base::StrCat("SELECT sum(v)", range, " GROUP BY time(1y)");
  EXPECT_EQ(Read("blocks_decoded", by_year), 0);
  EXPECT_EQ(Read("blocks_from_statistics", by_year), 10);
  const std::string by_month = base::StrCat("SELECT sum(v)", range, " GROUP BY time(1mo)");
  EXPECT_LE(Read("blocks_decoded", by_month), 4);
  EXPECT_GE(Read("blocks_from_statistics", by_month), 8);
}

TEST_F(TimesReadTest, BlocksWithoutAValueThatCountsAreLeftOut) {
  ASSERT_EQ(
      world_.Write({base::StrCat("m,h=a v=1000 ", 3 * kWeek + kSecond, "\n"), "d", "", "n"}).status,
      204);
  ASSERT_TRUE(world_.Settle(Storage::kCompacted).ok());
  EXPECT_EQ(Read("blocks_decoded", "SELECT v FROM m WHERE v > 99"), 1);
  EXPECT_EQ(Read("blocks_left_out", "SELECT v FROM m WHERE v > 99"), 9);
  EXPECT_EQ(Read("blocks_decoded", "SELECT mean(v) FROM m WHERE v > 99 OR v < 0"), 1);
  EXPECT_EQ(Read("blocks_decoded", "SELECT mean(v) FROM m WHERE v > 98"), 10);
}

TEST_F(TimesReadTest, NewestAndOldestRowsAreMadeOfStatistics) {
  EXPECT_EQ(Read("blocks_decoded", "SELECT v FROM m GROUP BY h ORDER BY time DESC LIMIT 1"), 0);
  EXPECT_EQ(Read("blocks_decoded", "SELECT v FROM m GROUP BY h LIMIT 1"), 0);
  EXPECT_EQ(Read("blocks_decoded", "SELECT v FROM m GROUP BY h ORDER BY time DESC LIMIT 2"), 1);
  EXPECT_EQ(Read("blocks_decoded", "SELECT v FROM m WHERE v < 50 GROUP BY h LIMIT 1"), 1);
}

TEST_F(TimesReadTest, CountsOfRangesAreAnsweredByStatistics) {
  const std::string both = base::StrCat("time BETWEEN ", kWeek, " AND ", 2 * kWeek - 1,
                                        " OR time BETWEEN ", 8 * kWeek, " AND ", 9 * kWeek - 1);
  const std::string count = base::StrCat("SELECT count(v) FROM m WHERE ", both);
  EXPECT_EQ(Read("blocks_decoded", count), 0);
  EXPECT_EQ(Read("blocks_from_statistics", count), 2);
}

// Rows of the answer, series after series. Those of one instant in the order of their text: which
// of several series comes first hangs on all the rows that went before.
std::vector<std::string> RowsOf(const Answer& answer) {
  std::vector<std::string> rows;
  EXPECT_EQ(answer.status, 200);
  for (const Json& result : *answer.json.Find("results")->As<JsonList>()) {
    EXPECT_EQ(result.Find("error"), nullptr) << result.Dump();
    const Json* list = result.Find("series");
    if (list == nullptr) continue;
    for (const Json& series : *list->As<JsonList>()) {
      for (const Json& row : *series.Find("values")->As<JsonList>()) {
        const auto time = [](std::string_view text) { return text.substr(0, text.find(',')); };
        rows.push_back(row.Dump());
        for (size_t i = rows.size() - 1; i > 0 && time(rows[i - 1]) == time(rows[i]); --i) {
          if (rows[i] < rows[i - 1]) rows[i].swap(rows[i - 1]);
        }
      }
    }
  }
  return rows;
}

// A query over several ranges against the queries over each of them, on random data: for one
// series, for some that are merged by a heap and for many that are read in slices.
TEST(UnionTest, AnswersWhatItsRangesAnswer) {
  constexpr uint32_t kSeed = 7;
  std::mt19937 random(kSeed);
  for (const int hosts : {1, 20, 70}) {
    for (const Storage storage : {Storage::kCache, Storage::kCompacted}) {
      World world(0);
      world.CreateDatabase("d");
      std::string lines;
      for (int i = 0; i < 3000; ++i) {
        // Times are odd: no point lies on an end of a range.
        base::StrAppend(lines, "m,h=", static_cast<int>(random()) % hosts, " n=", random() % 100,
                        "i ", 2 * (random() % 50'000) + 1, "\n");
      }
      ASSERT_EQ(world.Write({lines, "d", "", "s"}).status, 204);
      ASSERT_TRUE(world.Settle(storage).ok());
      const auto ask = [&](std::string_view select, std::string_view where, std::string_view tail) {
        QueryStep step;
        step.text = base::StrCat(select, " FROM m WHERE (", where, ") ", tail);
        step.database = "d";
        step.epoch = "s";
        return RowsOf(world.Query(step));
      };
      for (int round = 0; round < 10; ++round) {
        std::vector<std::string> ranges;
        int64_t at = 0;
        for (int i = 0; i < 4; ++i) {
          const int64_t from = at + 2000 + static_cast<int64_t>(random() % 10) * 2000;
          at = from + 2000 + static_cast<int64_t>(random() % 3) * 2000;
          ranges.push_back(base::StrCat("time BETWEEN ", from, "s AND ", at, "s - 1s"));
        }
        const std::string all = absl::StrJoin(ranges, " OR ");
        for (const bool descending : {false, true}) {
          if (descending) std::reverse(ranges.begin(), ranges.end());
          for (const auto& [select, tail] : std::vector<std::pair<std::string, std::string>>{
                   {"SELECT n", ""}, {"SELECT sum(n), count(n), max(n)", "GROUP BY time(2000s)"}}) {
            const std::string rest = base::StrCat(tail, descending ? " ORDER BY time DESC" : "");
            std::vector<std::string> expected;
            for (const std::string& range : ranges) {
              for (std::string& row : ask(select, range, rest)) expected.push_back(std::move(row));
            }
            ASSERT_EQ(ask(select, all, rest), expected) << "seed " << kSeed << ": " << all;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace varve::conformance
