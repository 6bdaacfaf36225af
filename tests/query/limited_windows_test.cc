// GROUP BY time() with LIMIT reads only the windows it shows, and answers what it would if it read
// all: every query is asked as it is, and once more with a median, which must see every row.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/conformance/world.h"
#include "tests/query/read_counts.h"

namespace varve::conformance {
namespace {

constexpr int64_t kMinuteNs = 60'000'000'000;
constexpr int64_t kMinutes = 16 * 24 * 60;  // three shards

class LimitedWindowsTest : public ::testing::TestWithParam<int> {
 protected:
  LimitedWindowsTest()
      : world_((kMinutes + 100) * kMinuteNs), random_(static_cast<uint64_t>(GetParam())) {
    world_.CreateDatabase("d");
  }

  // Points of rooms that report often, now and then, at first only, and once.
  void Write(int64_t from, int64_t to) {
    std::string lines;
    for (int64_t minute = from; minute < to; ++minute) {
      const auto add = [&](std::string_view room, unsigned of) {
        if (random_() % of != 0) return;
        base::StrAppend(lines, room);
        base::StrAppend(lines, " k=1i");
        if (random_() % 3 != 0)
          base::StrAppend(lines, ",a=", static_cast<double>(random_() % 4000) / 4);
        if (random_() % 20 == 0) base::StrAppend(lines, ",b=", random_() % 100, "i");
        base::StrAppend(lines, " ", minute, "\n");
      };
      add("m,floor=1,room=a", 2);
      add("m,floor=1,room=b", 500);
      if (minute < kMinutes / 20) add("m,floor=2,room=c", 3);
      if (minute == 7777) base::StrAppend(lines, "m,floor=3,room=d k=1i,a=1,b=2i 7777\n");
    }
    ASSERT_EQ(world_.Write({lines, "d", "", "m"}).status, 204);
  }
  int64_t RowsRead(const std::string& select) { return CountRead(world_, select, "rows"); }
  // Takes the last column out.
  static Json WithoutLast(Json answer) {
    for (Json& result : *answer.Find("results")->As<JsonList>()) {
      if (result.Find("series") == nullptr) continue;
      for (Json& series : *result.Find("series")->As<JsonList>()) {
        series.Find("columns")->As<JsonList>()->pop_back();
        for (Json& row : *series.Find("values")->As<JsonList>()) row.As<JsonList>()->pop_back();
      }
    }
    return answer;
  }
  std::string_view Pick(const std::vector<std::string_view>& of) {
    return of[random_() % of.size()];
  }

  void ExpectAlike() {
    std::string where;
    const auto from = static_cast<int64_t>(random_() % kMinutes);
    const auto to = from + static_cast<int64_t>(random_() % kMinutes);
    switch (random_() % 4) {
      case 0:
        where = base::StrCat(" WHERE time < ", to, "m");
        break;
      case 1:
        where = base::StrCat(" WHERE time >= ", from, "m AND time < ", to, "m");
        break;
      case 2:
        where = base::StrCat(" WHERE time >= ", from, "m");
        break;
      default:
        where = " WHERE time <= now() + 3d";
    }
    const std::string calls(
        Pick({"max(a)", "count(a), max(b)", "first(a), last(b), mean(a)", "spread(a)", "sum(b)"}));
    const std::string extra = calls == "sum(b)" ? ", median(b)" : ", median(a)";
    std::string tail =
        base::StrCat(" GROUP BY time(", Pick({"1m", "7m", "1h", "1h, 13m", "1d", "3d", "1mo"}), ")",
                     Pick({"", ", room", ", floor", ", *"}));
    tail += Pick({"", " fill(none)", " fill(previous)", " fill(linear)", " fill(3)", " fill(0)"});
    tail += Pick({" ORDER BY time DESC", " ORDER BY time DESC", ""});
    base::StrAppend(tail, " LIMIT ", 1 + random_() % 7);
    if (random_() % 3 == 0) base::StrAppend(tail, " OFFSET ", random_() % 9);
    if (random_() % 3 == 0) base::StrAppend(tail, " SLIMIT ", 1 + random_() % 3);
    if (random_() % 6 == 0) tail += " TZ('Europe/Berlin')";
    const std::string plain = base::StrCat("SELECT ", calls, " FROM m", where, tail);
    const std::string whole = base::StrCat("SELECT ", calls, extra, " FROM m", where, tail);
    ASSERT_EQ(Ask(world_, plain).Dump(), WithoutLast(Ask(world_, whole)).Dump()) << plain;
    read_ += RowsRead(plain);
    read_whole_ += RowsRead(whole);
  }

  World world_;
  std::mt19937_64 random_;
  int64_t read_ = 0;
  int64_t read_whole_ = 0;
};

TEST_P(LimitedWindowsTest, AnswerWhatAllWindowsAnswer) {
  Write(0, kMinutes);
  const Storage storages[] = {Storage::kCompacted, Storage::kCache, Storage::kFlushed,
                              Storage::kReplayed};
  for (const Storage storage : storages) {
    ASSERT_TRUE(world_.Settle(storage).ok());
    for (int i = 0; i < 150; ++i) ExpectAlike();
    // Late points, corrections and deletes.
    for (int i = 0; i < 4; ++i) {
      const auto at = static_cast<int64_t>(random_() % kMinutes);
      Write(at, std::min<int64_t>(kMinutes, at + 1 + static_cast<int64_t>(random_() % 90)));
      const auto gone = static_cast<int64_t>(random_() % kMinutes);
      Ask(world_, base::StrCat("DELETE FROM m WHERE room = 'a' AND time >= ", gone, "m AND time < ",
                               gone + static_cast<int64_t>(random_() % 900), "m"));
    }
  }
  EXPECT_LT(read_ * 2, read_whole_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LimitedWindowsTest, testing::Range(1, 5));

}  // namespace
}  // namespace varve::conformance
