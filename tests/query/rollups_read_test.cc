// What rollups answer is what the rows answer: every query is asked as it is, and once more with a
// condition that every row meets but that only rows can meet.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/conformance/world.h"
#include "tests/query/read_counts.h"

namespace varve::conformance {
namespace {

constexpr int64_t kMinutes = 20 * 24 * 60;

class RollupsReadTest : public ::testing::TestWithParam<int> {
 protected:
  RollupsReadTest() : world_(0), random_(static_cast<uint64_t>(GetParam())) {
    world_.CreateDatabase("d");
  }

  // Points of three rooms from one minute to another; sums of quarters are exact.
  void Write(int64_t from, int64_t to, bool correction) {
    std::string lines;
    for (int64_t minute = from; minute < to; ++minute) {
      for (const char* room : {"m,floor=1,room=a", "m,floor=1,room=b", "m,floor=2,room=c"}) {
        if (random_() % 40 == 0) continue;
        base::StrAppend(lines, room, " k=1i,a=", static_cast<double>(random_() % 4000) / 4);
        if (!correction || random_() % 2 == 0) base::StrAppend(lines, ",b=", random_() % 100, "i");
        if (random_() % 3 == 0) base::StrAppend(lines, ",c=\"", random_() % 5, "\"");
        if (random_() % 3 == 0) base::StrAppend(lines, ",d=", random_() % 2 == 0 ? "t" : "f");
        base::StrAppend(lines, " ", minute, "\n");
      }
    }
    ASSERT_EQ(world_.Write({lines, "d", "", "m"}).status, 204);
  }
  int64_t HoursRead(const std::string& select) {
    return CountRead(world_, select, "hours_from_rollups");
  }

  // A statement without its condition, and what follows it.
  struct Shape {
    std::string_view select;
    std::string_view tail;
  };
  void ExpectAlike(const Shape& shape, int64_t from, int64_t to) {
    const std::string times = base::StrCat("time >= ", from, "m AND time < ", to, "m");
    const std::string plain =
        base::StrCat("SELECT ", shape.select, " FROM m WHERE ", times, " ", shape.tail);
    const std::string by_rows =
        base::StrCat("SELECT ", shape.select, " FROM m WHERE ", times, " AND k > 0 ", shape.tail);
    ASSERT_EQ(Ask(world_, plain).Dump(), Ask(world_, by_rows).Dump()) << plain;
    hours_ += HoursRead(plain);
    ASSERT_EQ(HoursRead(by_rows), 0);
  }

  World world_;
  std::mt19937_64 random_;
  int64_t hours_ = 0;
};

constexpr std::string_view kAll =
    "count(a), sum(a), min(a), max(a), first(a), last(a), mean(a), spread(a), count(b), sum(b), "
    "mean(b), max(b), count(c), count(d)";

TEST_P(RollupsReadTest, AnswerWhatTheRowsAnswer) {
  Write(0, kMinutes, false);
  ASSERT_TRUE(world_.Settle(Storage::kCompacted).ok());
  // Late points, corrections and deletes, some of them in files of their own, some merged.
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 6; ++i) {
      const auto at = static_cast<int64_t>(random_() % kMinutes);
      Write(at, std::min<int64_t>(kMinutes, at + 1 + static_cast<int64_t>(random_() % 90)), true);
      const auto gone = static_cast<int64_t>(random_() % kMinutes);
      Ask(world_, base::StrCat("DELETE FROM m WHERE room = 'b' AND time >= ", gone, "m AND time < ",
                               gone + static_cast<int64_t>(random_() % 200), "m"));
    }
    const Storage storages[] = {Storage::kCache, Storage::kFlushed, Storage::kReplayed,
                                Storage::kCompacted};
    ASSERT_TRUE(world_.Settle(storages[round]).ok());
    for (const Shape& shape : {
             Shape{kAll, "GROUP BY time(1h), room"},
             Shape{kAll, "GROUP BY time(1d), floor"},
             Shape{kAll, "GROUP BY time(6h, 2h) fill(none)"},
             Shape{kAll, "GROUP BY time(90m), *"},
             Shape{kAll, "GROUP BY time(1d) TZ('Asia/Kathmandu')"},
             Shape{kAll, "GROUP BY room"},
             Shape{"mean(a)", "GROUP BY time(2h), room fill(previous) ORDER BY time DESC"},
             Shape{"max(a)", "GROUP BY room"},  // shows the time of its row
             Shape{"first(b), max(a)", "GROUP BY time(1d), room"},
             Shape{"derivative(mean(a), 1h)", "GROUP BY time(1h), room"},
             Shape{"count(*)", "GROUP BY time(1d)"},
         }) {
      const auto from = static_cast<int64_t>(random_() % (kMinutes / 2));
      ExpectAlike(shape, 0, kMinutes);
      ExpectAlike(shape, from, from + 3000 + static_cast<int64_t>(random_() % (kMinutes / 2)));
    }
  }
  EXPECT_GT(hours_, 10'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RollupsReadTest, testing::Range(1, 4));

TEST_P(RollupsReadTest, ExplainTellsOfHours) {
  Write(0, 3 * 24 * 60, false);
  ASSERT_TRUE(world_.Settle(Storage::kCompacted).ok());
  EXPECT_EQ(HoursRead("SELECT mean(a) FROM m WHERE time >= 0 AND time < 3d GROUP BY time(1h)"),
            3 * 72);
  const auto values = [this](std::string_view select) {
    const std::string text = Ask(world_, base::StrCat("EXPLAIN VERBOSE ", select)).Dump();
    const size_t at = text.find("values: ");
    EXPECT_NE(at, std::string::npos) << text;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_EQ(values("SELECT mean(a) FROM m WHERE time < 3d GROUP BY time(1h)"),
            "values: statistics of blocks, or of hours (rollups), within one window, else rows");
  EXPECT_EQ(values("SELECT max(a) FROM m WHERE time < 3d"),
            "values: statistics of blocks within one window, else rows");
  EXPECT_EQ(values("SELECT median(a) FROM m WHERE time < 3d GROUP BY time(1h)"), "values: rows");
}

}  // namespace
}  // namespace varve::conformance
