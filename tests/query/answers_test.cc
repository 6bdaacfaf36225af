// Answers that InfluxDB cannot give, worked out by hand: every case of tests/query/answers/*.txt,
// asked with the data in the cache, in files, in compacted files and read back from the log.
//
// A file is a list of cases, each a server of its own with the database "d", at the time
// 2000-01-01T00:00:00Z:
//
//   case GROUPS ARE LEFT OUT
//   write
//     cpu,host=a v=1 10
//     cpu,host=b v=5 20
//   query SELECT mean(v) FROM cpu GROUP BY host
//     HAVING mean(v) > 3
//   answer
//     cpu host=b: time mean
//       0 5
//
// `query` and `write` go on in indented lines. An answer is its series with their tags and columns
// and rows of JSON values, times in nanoseconds, N for what EXPLAIN counts in memory and files;
// `none` where there is no series; `error: TEXT` behind whatever came before an error. `params
// {...}` are those of the next query. What is written behind the first query stays in the cache. A
// line that begins with # is for the reader.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tests/conformance/world.h"

namespace varve::conformance {
namespace {

constexpr int64_t kNowNs = 946'684'800'000'000'000;  // 2000-01-01

struct Step {
  std::string verb;  // write, query, params
  std::string text;
  std::vector<std::string> answer;
  int line = 0;
};
struct Case {
  std::string file;
  std::string name;
  std::vector<Step> steps;
};

std::string Trim(const std::string& line) {
  const size_t begin = line.find_first_not_of(' ');
  if (begin == line.npos) return "";
  return line.substr(begin, line.find_last_not_of(' ') + 1 - begin);
}

std::vector<Case> ReadCases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream in(path);
  std::string line;
  bool in_answer = false;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ' ') {
      if (in_answer) {
        cases.back().steps.back().answer.push_back(line.substr(2));
      } else {
        std::string& text = cases.back().steps.back().text;
        text += (text.empty() ? "" : "\n") + Trim(line);
      }
      continue;
    }
    const std::string verb = line.substr(0, line.find(' '));
    const std::string rest = Trim(line.substr(verb.size()));
    in_answer = verb == "answer";
    if (verb == "case") {
      cases.push_back({path.filename().string(), rest, {}});
    } else if (!in_answer) {
      EXPECT_TRUE(verb == "write" || verb == "query" || verb == "params") << path << ":" << number;
      cases.back().steps.push_back({verb, rest, {}, number});
    }
  }
  return cases;
}

// What EXPLAIN counts depends on where the data is.
std::string WithoutStorage(const std::string& line) {
  static const std::regex kCounts(
      "(CACHED VALUES|NUMBER OF FILES|NUMBER OF BLOCKS|SIZE OF BLOCKS): [0-9]+");
  return std::regex_replace(line, kCounts, "$1: N");
}

// The answer as the files write it.
std::vector<std::string> Lines(const Answer& answer) {
  std::vector<std::string> lines;
  if (answer.status != 200) return {base::StrCat("error: ", answer.json.Text("error"))};
  for (const Json& result : *answer.json.Find("results")->As<JsonList>()) {
    if (const Json* series_list = result.Find("series")) {
      for (const Json& series : *series_list->As<JsonList>()) {
        std::string head = series.Text("name");
        if (const Json* tags = series.Find("tags")) {
          for (const auto& [key, value] : *tags->As<JsonMap>()) {
            base::StrAppend(head, " ", key, "=", *value.As<std::string>());
          }
        }
        head += ":";
        for (const Json& column : *series.Find("columns")->As<JsonList>()) {
          base::StrAppend(head, " ", *column.As<std::string>());
        }
        lines.push_back(std::move(head));
        if (series.Find("values") == nullptr) continue;
        for (const Json& row : *series.Find("values")->As<JsonList>()) {
          std::string text = " ";
          for (const Json& value : *row.As<JsonList>()) base::StrAppend(text, " ", value.Dump());
          lines.push_back(WithoutStorage(text));
        }
      }
    }
    if (const Json* error = result.Find("error")) {
      lines.push_back(base::StrCat("error: ", *error->As<std::string>()));
    }
  }
  if (lines.empty()) lines.push_back("none");
  return lines;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) base::StrAppend(text, "  ", line, "\n");
  return text;
}

void RunCase(const Case& test, Storage storage) {
  World world(kNowNs);
  world.CreateDatabase("d");
  bool settled = false;
  std::string parameters;
  for (const Step& step : test.steps) {
    const std::string where = base::StrCat(test.file, ":", step.line, " (", test.name, ")");
    if (step.verb == "params") {
      parameters = step.text;
    } else if (step.verb == "write") {
      const Answer answer = world.Write({step.text, "d", "", "n"});
      ASSERT_EQ(answer.status, 204) << where << ": " << answer.json.Dump();
    } else {
      if (!settled) {
        ASSERT_TRUE(world.Settle(storage).ok()) << where;
      }
      settled = true;
      QueryStep query;
      query.text = step.text;
      query.database = "d";
      query.epoch = "ns";
      query.parameters = std::exchange(parameters, "");
      EXPECT_EQ(Joined(Lines(world.Query(query))), Joined(step.answer)) << where;
    }
  }
}

class AnswersTest : public ::testing::TestWithParam<Storage> {};

TEST_P(AnswersTest, AreAsWorkedOutByHand) {
  size_t cases = 0;
  const std::filesystem::path folder = VARVE_SOURCE_DIR "/tests/query/answers";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    for (const Case& test : ReadCases(entry.path())) {
      RunCase(test, GetParam());
      ++cases;
    }
  }
  EXPECT_GT(cases, 0u);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, AnswersTest,
                         ::testing::Values(Storage::kCache, Storage::kFlushed, Storage::kCompacted,
                                           Storage::kReplayed));

}  // namespace
}  // namespace varve::conformance
