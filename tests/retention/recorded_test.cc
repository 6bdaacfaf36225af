// What InfluxDB's continuous queries made of a minute of points (tests/retention/cases/*.txt, see
// record_cases.py) comes of the same points and queries here.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

constexpr char kDatabase[] = "varve_cq_record";

class RecordedTest : public World {
 protected:
  // Lets time pass up to so many milliseconds after the start, with a tick in each second, a little
  // after its beginning.
  void PassUntil(int64_t ms) {
    const int64_t until_ns = start_ns_ + ms * 1'000'000;
    while (next_tick_ns_ <= until_ns) {
      Advance(next_tick_ns_ - Now());
      queries->Tick();
      next_tick_ns_ += kSecondNs;
    }
    Advance(until_ns - Now());
  }

  std::vector<std::string> Rows(const std::string& select) {
    std::vector<std::string> rows;
    std::istringstream answer(Query(select, kDatabase));
    for (std::string line; std::getline(answer, line);) {
      rows.push_back(line.substr(line.find(": ") + 2));
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  int64_t start_ns_ = 0;
  int64_t next_tick_ns_ = 0;
};

TEST_F(RecordedTest, ShortIntervals) {
  std::ifstream file(VARVE_SOURCE_DIR "/tests/retention/cases/short.txt");
  ASSERT_TRUE(file.is_open());
  Do(base::StrCat("CREATE DATABASE ", kDatabase));
  Do(base::StrCat("CREATE RETENTION POLICY keep ON ", kDatabase, " DURATION INF REPLICATION 1"));
  std::string select;
  std::vector<std::string> expected;
  size_t answers = 0;
  const auto compare = [&] {
    if (select.empty()) return;
    EXPECT_EQ(Rows(select), expected) << select;
    EXPECT_FALSE(expected.empty()) << select;
    expected.clear();
    ++answers;
  };
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string verb, rest;
    words >> verb;
    int64_t ms = 0;
    if (verb == "start" || verb == "write" || verb == "create" || verb == "end") words >> ms;
    std::getline(words >> std::ws, rest);
    if (verb == "start") {
      start_ns_ = ms * kSecondNs;
      env.SetNowNs(start_ns_);
      next_tick_ns_ = start_ns_ + kSecondNs / 10;
    } else if (verb == "write") {
      PassUntil(ms);
      engine::WriteRequest request;
      request.database = kDatabase;
      request.body = rest;
      ASSERT_TRUE(store->WriteAndWait(request).status.ok()) << line;
    } else if (verb == "create" || verb == "end") {
      PassUntil(ms);
    } else if (verb == "query") {
      const std::string answer = Query(rest, kDatabase);
      ASSERT_EQ(answer, "") << rest;
    } else if (verb == "answer") {
      compare();
      select = rest;
    } else if (verb == "row") {
      expected.push_back(rest);
    }
  }
  compare();
  EXPECT_GT(answers, 10u);
}

}  // namespace
}  // namespace varve::retention
