// What files answer is what the cache answers: a server whose points stay in the cache and one
// whose points are in files, some of them late, corrected or deleted, are asked the same. Files
// leave out blocks and rows that a condition, top() or max() cannot want; the cache reads all.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/conformance/world.h"

namespace varve::conformance {
namespace {

constexpr int64_t kMinutes = 2500;
constexpr int kHosts = 60;  // more than are merged one by one

class FileReadsTest : public ::testing::TestWithParam<int> {
 protected:
  FileReadsTest() : cache_(0), files_(0), random_(static_cast<uint64_t>(GetParam())) {
    cache_.CreateDatabase("d");
    files_.CreateDatabase("d");
    for (int host = 0; host < kHosts; ++host) walks_.push_back(static_cast<int>(random_() % 100));
  }

  void Write(int64_t from, int64_t to, unsigned of) {
    std::string lines;
    for (int host = 0; host < kHosts; ++host) {
      int& walk = walks_[static_cast<size_t>(host)];
      for (int64_t minute = from; minute < to; ++minute) {
        if (random_() % of != 0) continue;
        walk = std::clamp(walk + static_cast<int>(random_() % 5) - 2, 0, 100);
        base::StrAppend(lines, "m,host=h", host, ",zone=z", host % 3, " a=", walk,
                        "i,b=", static_cast<double>(random_() % 10000) / 100);
        if (random_() % 3 == 0) base::StrAppend(lines, ",c=\"t", random_() % 9, "\\\"<\"");
        if (random_() % 3 == 0) base::StrAppend(lines, ",d=", random_() % 2 == 0 ? "t" : "f");
        if (random_() % 50 == 0) base::StrAppend(lines, ",e=", random_() % 1000, "i");
        base::StrAppend(lines, " ", minute, "\n");
      }
    }
    for (World* world : {&cache_, &files_}) {
      ASSERT_EQ(world->Write({lines, "d", "", "m"}).status, 204);
    }
  }
  std::string Ask(World& world, const std::string& text) {
    QueryStep step;
    step.text = text;
    step.database = "d";
    step.epoch = "m";
    return world.Query(step).json.Dump();
  }
  std::string_view Pick(const std::vector<std::string_view>& of) {
    return of[random_() % of.size()];
  }

  void ExpectAlike() {
    std::string where;
    const auto and_where = [&](std::string_view condition) {
      base::StrAppend(where, where.empty() ? " WHERE " : " AND ", condition);
    };
    if (random_() % 2 == 0) and_where(base::StrCat("time >= ", random_() % kMinutes, "m"));
    if (random_() % 2 == 0) and_where(base::StrCat("time < ", random_() % kMinutes, "m"));
    const std::string a = std::to_string(random_() % 110);
    and_where(Pick({"a > ", "a >= ", "a = ", "b < ", "e > ", "a != "}));
    where += a;
    if (random_() % 4 == 0)
      where += Pick({" OR d = true", " AND c =~ /t[1-4]/", " AND c = 't3\"<'"});
    if (random_() % 4 == 0) where += Pick({" OR zone = 'z1'", " AND host =~ /h[1-3]$/"});
    const bool raw = random_() % 3 != 0;
    if (!raw && random_() % 2 == 0) where.clear();
    const std::string_view what =
        raw ? Pick({"*", "b", "c, d", "a, host", "*, b * 2", "e, zone, a"})
            : Pick({"top(a, 3)", "top(b, 5)", "bottom(b, 4)", "top(b, 2), host", "bottom(e, 3)",
                    "top(b, host, 3)", "percentile(b, 95)", "percentile(a, 50)", "median(b)",
                    "median(e), percentile(e, 10)", "max(a)", "min(b)", "max(b), host", "min(e)"});
    std::string text = base::StrCat("SELECT ", what, " FROM m", where);
    text += Pick({"", "", " GROUP BY host", " GROUP BY zone"});
    const bool single = what == "max(a)" || what == "min(b)" || what == "min(e)";
    if (single && random_() % 2 == 0) {
      const auto from = static_cast<int64_t>(random_() % kMinutes);
      text = base::StrCat("SELECT ", what, " FROM m WHERE time >= ", from, "m AND time < ",
                          from + static_cast<int64_t>(random_() % 600), "m GROUP BY time(",
                          Pick({"7m", "1h", "5h"}), ")", Pick({"", ", host", ", zone"}));
    }
    if (raw) text += Pick({"", " ORDER BY time DESC"});
    if (raw && random_() % 3 == 0) base::StrAppend(text, " LIMIT ", 1 + random_() % 2000);
    ASSERT_EQ(Ask(cache_, text), Ask(files_, text)) << text;
  }

  World cache_;
  World files_;
  std::mt19937_64 random_;
  std::vector<int> walks_;
};

TEST_P(FileReadsTest, AnswerWhatTheCacheAnswers) {
  Write(0, kMinutes, 1);
  const Storage storages[] = {Storage::kCompacted, Storage::kFlushed, Storage::kCache,
                              Storage::kReplayed};
  for (const Storage storage : storages) {
    ASSERT_TRUE(files_.Settle(storage).ok());
    for (int i = 0; i < 25; ++i) ExpectAlike();
    for (int i = 0; i < 3; ++i) {
      const auto at = static_cast<int64_t>(random_() % kMinutes);
      Write(at, std::min<int64_t>(kMinutes, at + 1 + static_cast<int64_t>(random_() % 300)), 40);
      const auto gone = static_cast<int64_t>(random_() % kMinutes);
      const std::string text =
          base::StrCat("DELETE FROM m WHERE zone = 'z1' AND time >= ", gone, "m AND time < ",
                       gone + static_cast<int64_t>(random_() % 200), "m");
      ASSERT_EQ(Ask(cache_, text), Ask(files_, text));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FileReadsTest, testing::Range(1, 3));

}  // namespace
}  // namespace varve::conformance
