// Functions whose state grows with the rows read one shard after another: a window's answer is the
// same as when it is asked for alone, wherever shards begin. (Not so mode(): which of equally
// frequent values it gives hangs on the order of all rows that are read.)
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/conformance/world.h"
#include "tests/query/read_counts.h"

namespace varve::conformance {
namespace {

constexpr int64_t kDay = 24 * 60;
constexpr int64_t kMinutes = 40 * kDay;  // six shards of a week

class PartsReadTest : public ::testing::TestWithParam<int> {
 protected:
  PartsReadTest() : world_(0), random_(static_cast<uint64_t>(GetParam())) {
    world_.CreateDatabase("d");
  }
  void Write() {
    std::string lines;
    for (int64_t minute = 0; minute < kMinutes;
         minute += 1 + static_cast<int64_t>(random_() % 40)) {
      for (const char* room : {"m,floor=1,room=a", "m,floor=1,room=b", "m,floor=2,room=c"}) {
        if (random_() % 3 == 0) continue;
        base::StrAppend(lines, room, " a=", static_cast<double>(random_() % 400) / 4,
                        ",b=", random_() % 50, "i", " ", minute, "\n");
      }
    }
    ASSERT_EQ(world_.Write({lines, "d", "", "m"}).status, 204);
  }
  // The rows of each series of an answer, as text.
  static std::vector<std::string> RowsOf(const Json& answer) {
    std::vector<std::string> rows;
    const std::string text = answer.Dump();
    for (size_t at = 0; (at = text.find("[[", at)) != text.npos; ++at) {
      rows.push_back(text.substr(at + 1, text.find("]]", at) - at));
    }
    return rows;
  }

  World world_;
  std::mt19937_64 random_;
};

TEST_P(PartsReadTest, WindowsAreAnsweredAsEachAlone) {
  Write();
  for (const std::string call :
       {"percentile(a, 90)", "median(b)", "count(distinct(b))", "percentile(a, 50)", "stddev(a)"}) {
    // In minutes; some end where shards do, most do not.
    const int64_t length =
        std::vector<int64_t>{kDay, 7 * kDay, 9 * 60, 50 * 60, 11 * kDay}[random_() % 5];
    const std::string select = base::StrCat("SELECT ", call, " FROM m WHERE floor = '1' AND ");
    std::vector<std::string> each;
    for (int64_t from = 0; from < kMinutes; from += length) {
      const std::string one = base::StrCat(select, "time >= ", from, "m AND time < ", from + length,
                                           "m GROUP BY time(", length, "m) fill(none)");
      for (std::string& row : RowsOf(Ask(world_, one))) each.push_back(std::move(row));
    }
    const std::string tail = base::StrCat("time >= 0m AND time < ", kMinutes, "m GROUP BY time(",
                                          length, "m) fill(none)");
    const std::string all = Ask(world_, select + tail).Dump();
    ASSERT_FALSE(each.empty()) << select << tail << "\n" << all;
    std::string joined = base::StrCat("[", each.front());
    for (size_t i = 1; i < each.size(); ++i) base::StrAppend(joined, ", ", each[i]);
    ASSERT_NE(all.find(joined + "]"), all.npos) << select << tail << "\n" << all << "\n" << joined;

    std::string backwards = base::StrCat("[", each.back());
    for (size_t i = each.size() - 1; i-- > 0;) base::StrAppend(backwards, ", ", each[i]);
    const std::string descending = Ask(world_, select + tail + " ORDER BY time DESC").Dump();
    ASSERT_NE(descending.find(backwards + "]"), descending.npos) << select << tail;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PartsReadTest, ::testing::Range(0, 6));

}  // namespace
}  // namespace varve::conformance
