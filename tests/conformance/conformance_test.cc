// Replays the corpus in the process: each case in a server of its own, on a disk in memory.
//
//   conformance_test [--area NAME]... [--case ID]... [--storage cache|flushed|compacted|replayed]
//                    [--known FILE] [--verbose] [CASES_FOLDER]
//
// Steps that need HTTP (kind http, gzip, chunked, MessagePack, headers, raw bodies) are run for
// what they change but are not judged: run.py does that. The last line is "N passed, N failed"; the
// exit status is 1 when a check failed that is not in the file of known failures, or when one that
// is passed.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "tests/conformance/json_value.h"
#include "tests/conformance/normalize.h"
#include "tests/conformance/world.h"

namespace varve::conformance {
namespace {

struct Options {
  std::string folder = VARVE_SOURCE_DIR "/tests/conformance/cases";
  std::set<std::string> areas;
  std::set<std::string> cases;
  std::set<std::string> known;
  Storage storage = Storage::kCache;
  bool verbose = false;
};

struct Tally {
  int passed = 0;
  int failed = 0;
  int known = 0;
  int unjudged = 0;
};

// The marks of the corpus and what they stand for, all of a fixed length.
class Marks {
 public:
  explicit Marks(int64_t now_s) {
    for (const char* slot : {"db", "db2", "db3", "user", "user2", "user3"}) {
      std::string name = slot;
      const char digit = std::isdigit(name.back()) != 0 ? name.back() : '1';
      table_.emplace_back(base::StrCat("{", name, "}"),
                          base::StrCat(name.substr(0, 1), digit, "c0ffee0001"));
    }
    clock_ = {{"{now_ns}", base::StrCat(now_s * 1'000'000'000)},
              {"{now_s}", base::StrCat(now_s)},
              {"{now_h}", base::StrCat(now_s / 3600)},
              {"{hour_ago_s}", base::StrCat(now_s - 3600)},
              {"{day_ago_s}", base::StrCat(now_s - 86400)},
              {"{hour_ahead_s}", base::StrCat(now_s + 3600)}};
  }

  std::string Fill(std::string text) const {
    for (const auto& [mark, name] : table_) Replace(mark, name, &text);
    for (const auto& [mark, name] : clock_) Replace(mark, name, &text);
    return text;
  }
  void Hide(Json* json) const {
    if (auto* text = json->As<std::string>()) {
      for (const auto& [mark, name] : table_) Replace(name, mark, text);
      HideLongRuns(text);
    }
    if (auto* list = json->As<JsonList>()) {
      for (Json& item : *list) Hide(&item);
    }
    if (auto* map = json->As<JsonMap>()) {
      for (auto& [key, value] : *map) {
        Json name{std::string(key)};
        Hide(&name);
        key = *name.As<std::string>();
        Hide(&value);
      }
    }
  }
  std::string Name(const std::string& slot) const { return Fill(base::StrCat("{", slot, "}")); }

 private:
  static void Replace(const std::string& from, const std::string& to, std::string* text) {
    for (size_t at = text->find(from); at != text->npos; at = text->find(from, at + to.size())) {
      text->replace(at, from.size(), to);
    }
  }
  // Runs of 200 letters x and more, as {x*N}.
  static void HideLongRuns(std::string* text) {
    for (size_t at = text->find("xxxx"); at != text->npos; at = text->find("xxxx", at + 1)) {
      const size_t end = std::min(text->find_first_not_of('x', at), text->size());
      if (end - at >= 200) text->replace(at, end - at, base::StrCat("{x*", end - at, "}"));
    }
  }

  std::vector<std::pair<std::string, std::string>> table_;
  std::vector<std::pair<std::string, std::string>> clock_;
};

std::string WriteBody(const Json& write, const Marks& marks) {
  std::string text;
  if (const auto* whole = write.As<std::string>()) {
    text = *whole;
  } else if (const auto* lines = write.As<JsonList>()) {
    for (const Json& line : *lines) {
      if (&line != &lines->front()) text += "\n";
      text += *line.As<std::string>();
    }
  } else {
    const Json* repeat = write.Find("repeat");
    const int64_t n = repeat == nullptr ? 1 : *repeat->As<int64_t>();
    const std::regex place("\\{i\\}");
    for (int64_t i = 0; i < n; ++i) {
      if (i > 0) text += "\n";
      text += std::regex_replace(write.Text("line"), place, base::StrCat(i));
    }
  }
  std::string out;
  for (size_t at = 0; at < text.size();) {  // {x*500}
    const size_t mark = std::min(text.find("{x*", at), text.size());
    out.append(text, at, mark - at);
    at = mark;
    if (at == text.size()) break;
    const size_t end = text.find('}', at);
    out.append(std::stoul(text.substr(at + 3, end - at - 3)), 'x');
    at = end + 1;
  }
  return marks.Fill(std::move(out));
}

bool ReadsOnly(const std::string& text) {
  static const std::regex kWord("^\\s*(SELECT|SHOW|EXPLAIN)\\s", std::regex::icase);
  static const std::regex kMore("\\binto\\b|;", std::regex::icase);
  return std::regex_search(text + " ", kWord) && !std::regex_search(text, kMore);
}

// One case in its own world.
class CaseRun {
 public:
  CaseRun(const Json& test, const Options& options)
      : test_(test),
        options_(options),
        now_s_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()),
        marks_(now_s_),
        world_(now_s_ * 1'000'000'000) {}

  void Run(Tally* tally) {
    const std::string id = test_.Text("id");
    if (const Json* databases = test_.Find("databases")) {
      for (const Json& slot : *databases->As<JsonList>()) {
        world_.CreateDatabase(marks_.Name(*slot.As<std::string>()));
      }
    } else {
      world_.CreateDatabase(marks_.Name("db"));
    }
    if (const Json* setup = test_.Find("setup")) {
      for (const Json& step : *setup->As<JsonList>()) Perform(step);
    }
    const absl::Status settled = world_.Settle(options_.storage);
    if (!settled.ok()) std::cout << id << ": " << base::MessageOf(settled) << "\n";
    int number = 0;
    for (const Json& step : *test_.Find("steps")->As<JsonList>()) {
      Judge(base::StrCat(id, "#", ++number), id, step, Perform(step), tally);
    }
  }

 private:
  std::string Parameter(const Json& step, const std::string& name) const {
    const Json* params = step.Find("params");
    const Json* value = params == nullptr ? nullptr : params->Find(name);
    if (value == nullptr) return name == "db" ? marks_.Name("db") : "";
    const auto* text = value->As<std::string>();
    if (text != nullptr) return marks_.Fill(*text);
    return value->As<std::nullptr_t>() != nullptr ? "" : value->Dump();
  }

  Answer Perform(const Json& step) {
    if (const Json* write = step.Find("write")) {
      return world_.Write({WriteBody(*write, marks_), Parameter(step, "db"), Parameter(step, "rp"),
                           Parameter(step, "precision")});
    }
    const Json* query = step.Find("query");
    if (query == nullptr || query->As<std::string>() == nullptr) return {};
    const std::string text = *query->As<std::string>();
    std::string method = step.Text("method");
    if (method.empty()) method = ReadsOnly(text) ? "GET" : "POST";
    return world_.Query({marks_.Fill(text), Parameter(step, "db"), Parameter(step, "rp"),
                         Parameter(step, "epoch"), Parameter(step, "params"), method == "GET"});
  }

  // Whether the step is about more than the answer's JSON.
  static bool NeedsHttp(const Json& step) {
    const Json* query = step.Find("query");
    const bool statement = query != nullptr && query->As<std::string>() != nullptr;
    if (!statement && step.Find("write") == nullptr) return true;
    for (const char* key : {"check_headers", "headers", "raw", "gzip", "body"}) {
      if (step.Find(key) != nullptr) return true;
    }
    const Json* expect = step.Find("expect");
    return expect == nullptr || expect->Find("stream") != nullptr ||
           expect->Find("text") != nullptr || expect->Find("msgpack") != nullptr;
  }

  // Whether the step changes data in a way that only a server with HTTP can.
  static bool ChangesByHttp(const Json& step) {
    const Json* query = step.Find("query");
    if (query != nullptr && query->As<std::string>() != nullptr) return false;
    if (step.Find("http") != nullptr || step.Find("gzip") != nullptr) return true;
    const Json* params = step.Find("params");
    if (params != nullptr && params->Find("consistency") != nullptr) return true;
    return step.Find("expect")->Find("status")->Dump() == "413";
  }

  void Judge(const std::string& check, const std::string& id, const Json& step, Answer answer,
             Tally* tally) {
    by_http_ = by_http_ || ChangesByHttp(step);
    if (by_http_ || NeedsHttp(step)) {
      ++tally->unjudged;
      return;
    }
    marks_.Hide(&answer.json);
    if (const Json* rules = step.Find("normalize")) {
      for (const Json& rule : *rules->As<JsonList>()) {
        if (!Normalize(*rule.As<std::string>(), &answer.json)) {
          std::cout << check << ": no rule " << rule.Dump() << "\n";
        }
      }
    }
    const std::optional<std::string> reason = Compare(step, answer);
    const bool known = options_.known.contains(check) || options_.known.contains(id);
    if (!reason.has_value() && !known) {
      ++tally->passed;
    } else if (reason.has_value() && known) {
      ++tally->known;
    } else {
      ++tally->failed;
      if (options_.verbose) {
        const Json* query = step.Find("query");
        std::cout << check << " "
                  << (query == nullptr ? step.Find("write")->Dump().substr(0, 200) : query->Dump())
                  << "\n    " << reason.value_or("is in the list of known failures but passes")
                  << "\n";
      }
    }
  }

  static std::optional<std::string> Compare(const Json& step, const Answer& answer) {
    const Json& expect = *step.Find("expect");
    const int64_t status = *expect.Find("status")->As<int64_t>();
    if (status != answer.status) {
      return base::StrCat("status: expected ", status, ", got ", answer.status, " ",
                          answer.json.Dump().substr(0, 300));
    }
    if (step.Text("compare") == "status") return std::nullopt;
    const Json* want = expect.Find("json");
    static const Json kNone;
    Tolerance tolerance;
    if (const Json* relative = step.Find("rel_tol")) tolerance.relative = ToDouble(*relative);
    if (const Json* absolute = step.Find("abs_tol")) tolerance.absolute = ToDouble(*absolute);
    return Difference(want == nullptr ? kNone : *want, answer.json, tolerance, "json");
  }

  static double ToDouble(const Json& json) {
    if (const auto* number = json.As<double>()) return *number;
    return static_cast<double>(*json.As<int64_t>());
  }

  const Json& test_;
  const Options& options_;
  bool by_http_ = false;  // a step before this one
  const int64_t now_s_;
  const Marks marks_;
  World world_;
};

bool ReadKnown(const std::string& path, std::set<std::string>* known) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    const std::string entry = line.substr(0, line.find_first_of(" \t"));
    if (!entry.empty() && entry[0] != '#') known->insert(entry);
  }
  return in.eof();
}

bool ParseArguments(int argc, char** argv, Options* options) {
  static const std::map<std::string, Storage> kStorages = {{"cache", Storage::kCache},
                                                           {"flushed", Storage::kFlushed},
                                                           {"compacted", Storage::kCompacted},
                                                           {"replayed", Storage::kReplayed}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--verbose") {
      options->verbose = true;
      continue;
    }
    if (argument.substr(0, 2) != "--") {
      options->folder = argument;
      continue;
    }
    if (++i == argc) return false;
    const std::string value = argv[i];
    if (argument == "--area") {
      options->areas.insert(value);
    } else if (argument == "--case") {
      options->cases.insert(value);
    } else if (argument == "--known") {
      if (!ReadKnown(value, &options->known)) return false;
    } else if (argument == "--storage" && kStorages.contains(value)) {
      options->storage = kStorages.at(value);
    } else {
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  Options options;
  if (!ParseArguments(argc, argv, &options)) {
    std::cerr << "usage: conformance_test [--area NAME] [--case ID] [--storage WHERE] "
                 "[--known FILE] [--verbose] [CASES_FOLDER]\n";
    return 2;
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(options.folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());

  Tally all;
  for (const std::string& path : files) {
    const std::optional<Json> document = ReadJsonFile(path);
    if (!document.has_value()) {
      std::cerr << path << ": no JSON\n";
      return 2;
    }
    const std::string area = document->Text("area");
    if (!options.areas.empty() && !options.areas.contains(area)) continue;
    Tally tally;
    for (const Json& test : *document->Find("cases")->As<JsonList>()) {
      if (!options.cases.empty() && !options.cases.contains(test.Text("id"))) continue;
      CaseRun(test, options).Run(&tally);
    }
    std::cout << area << ": " << tally.passed << " passed, " << tally.failed << " failed, "
              << tally.known << " known, " << tally.unjudged << " left to run.py\n";
    all.passed += tally.passed;
    all.failed += tally.failed;
    all.known += tally.known;
  }
  std::cout << all.known << " known failures\n"
            << all.passed << " passed, " << all.failed << " failed\n";
  return all.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace varve::conformance

int main(int argc, char** argv) { return varve::conformance::Main(argc, argv); }
