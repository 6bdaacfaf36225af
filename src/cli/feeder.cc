#include "cli/feeder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "query/ast.h"
#include "query/parser.h"

namespace varve::cli {
namespace {

constexpr int64_t kHourS = 3600;
constexpr int64_t kDayS = 86400;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr size_t kBodyBytes = 512 << 10;
constexpr int64_t kLongestPauseS = 30;
constexpr char kHourPolicy[] = "hour";

int64_t RoundUp(int64_t time_s, int64_t unit_s) { return (time_s + unit_s - 1) / unit_s * unit_s; }

size_t ColumnOf(const AnswerSeries& series, std::string_view name) {
  const auto found = std::find(series.columns.begin(), series.columns.end(), name);
  return static_cast<size_t>(found - series.columns.begin());
}

// The first error of a statement.
absl::Status ErrorOf(const Answer& answer) {
  for (const AnswerStatement& statement : answer) {
    if (!statement.error.empty()) return base::InvalidArgument(statement.error);
  }
  return absl::OkStatus();
}

// The width of a continuous query's windows, from its text; 0 if that has none.
int64_t WindowNs(const std::string& query) {
  const size_t begin = query.rfind("time(");
  if (begin == std::string::npos) return 0;
  const size_t end = query.find_first_of(",)", begin);
  return query::ParseDuration(query.substr(begin + 5, end - begin - 5)).value_or(0);
}

}  // namespace

Feeder::Feeder(ServerClient& client, Options options)
    : client_(client), options_(std::move(options)), building_(options_.sensors) {}

absl::Status Feeder::WithPatience(const std::function<absl::Status()>& request) {
  for (int64_t pause_s = 1;; pause_s = std::min(2 * pause_s, kLongestPauseS)) {
    const absl::Status status = request();
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    if (pause_s == 1 && options_.note) {
      options_.note(base::StrCat(base::MessageOf(status), "; trying again"));
    }
    if (!options_.wait(pause_s)) return base::Cancelled("stopped");
  }
}

absl::StatusOr<Answer> Feeder::Ask(const std::string& text) {
  Answer answer;
  RETURN_IF_ERROR(WithPatience([&]() -> absl::Status {
    ASSIGN_OR_RETURN(answer, client_.Query(options_.database, text));
    return absl::OkStatus();
  }));
  return answer;
}

absl::Status Feeder::Write(const std::string& policy, const std::string& lines) {
  if (lines.empty()) return absl::OkStatus();
  const WriteTarget target{options_.database, policy, "s"};
  RETURN_IF_ERROR(WithPatience([&] { return client_.Write(target, lines); }));
  lines_written_ += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  return absl::OkStatus();
}

absl::StatusOr<Feeder::Policies> Feeder::ReadPolicies() {
  const std::string database = query::QuoteIdentifier(options_.database);
  const std::string show = base::StrCat("SHOW RETENTION POLICIES ON ", database);
  ASSIGN_OR_RETURN(Answer answer, Ask(show));
  if (!ErrorOf(answer).ok()) {  // no such database
    ASSIGN_OR_RETURN(answer, Ask(base::StrCat("CREATE DATABASE ", database)));
    RETURN_IF_ERROR(ErrorOf(answer));
    ASSIGN_OR_RETURN(answer, Ask(show));
    RETURN_IF_ERROR(ErrorOf(answer));
  }
  Policies policies;
  for (const AnswerSeries& series : answer.at(0).series) {
    const size_t name = ColumnOf(series, "name");
    const size_t duration = ColumnOf(series, "duration");
    const size_t is_default = ColumnOf(series, "default");
    for (const auto& row : series.rows) {
      if (std::max({name, duration, is_default}) >= row.size()) continue;
      policies.hour |= row[name].text == kHourPolicy;
      if (row[is_default].text != "true") continue;
      ASSIGN_OR_RETURN(const int64_t keeps_ns, query::ParseDuration(row[duration].text));
      policies.keeps_s = keeps_ns / kSecondNs;
    }
  }
  return policies;
}

absl::StatusOr<int64_t> Feeder::LastReading(int64_t since_s) {
  ASSIGN_OR_RETURN(
      const Answer answer,
      Ask(base::StrCat("SELECT last(temperature) FROM climate WHERE time >= ", since_s, "s")));
  RETURN_IF_ERROR(ErrorOf(answer));
  if (answer.at(0).series.empty()) return 0;
  const AnswerSeries& series = answer[0].series[0];
  return series.times.empty() ? 0 : series.times[0] / kSecondNs;
}

absl::Status Feeder::Prepare(int64_t now_s) {
  ASSIGN_OR_RETURN(const Policies policies, ReadPolicies());
  if (policies.hour) long_policy_ = kHourPolicy;
  int64_t begin_s = now_s - options_.backfill_s;
  // An hour's distance from the edge: it moves on while the readings are written.
  if (policies.keeps_s != 0) begin_s = std::max(begin_s, now_s - policies.keeps_s + kHourS);
  ASSIGN_OR_RETURN(const int64_t last_s, LastReading(begin_s));
  if (last_s != 0) {
    next_s_ = RoundUp(last_s + 1, options_.interval_s);
  } else {
    if (options_.backfill_s > 0) begin_s = RoundUp(begin_s, kHourS);
    next_s_ = RoundUp(begin_s, options_.interval_s);
    RETURN_IF_ERROR(WriteLevels());
    if (policies.hour) {
      RETURN_IF_ERROR(WriteHistory(now_s - options_.history_s, begin_s / kHourS * kHourS));
    }
  }
  found_s_ = next_s_;
  return absl::OkStatus();
}

// Which policy a dashboard reads for a span of time, in milliseconds. It asks with one of the
// choices: "auto" goes by the span, the others are the name of a policy.
absl::Status Feeder::WriteLevels() {
  if (long_policy_.empty()) return absl::OkStatus();
  struct Level {
    const char* policy;
    int64_t over_ms;
    int64_t upto_ms;
  };
  constexpr int64_t kDayMs = kDayS * 1000;
  constexpr int64_t kEverMs = 100 * 366 * kDayMs;
  std::string lines;
  for (const Level& level : {Level{"realtime", -1, kDayMs / 2},
                             {"minute", kDayMs / 2, 14 * kDayMs},
                             {kHourPolicy, 14 * kDayMs, kEverMs}}) {
    const auto add = [&](const char* choice, int64_t over_ms, int64_t upto_ms) {
      base::StrAppend(lines, "levels,choice=", choice, ",level=", level.policy, " policy=\"",
                      level.policy, "\",over_ms=", over_ms, "i,upto_ms=", upto_ms, "i 0\n");
    };
    add("auto", level.over_ms, level.upto_ms);
    add(level.policy, -1, kEverMs);
  }
  return Write(long_policy_, lines);
}

absl::Status Feeder::WriteHistory(int64_t from_s, int64_t to_s) {
  std::string lines;
  from_s = RoundUp(from_s, kHourS);
  if (from_s >= to_s) return absl::OkStatus();
  Building::AppendEvents(from_s, to_s, lines);
  for (int64_t time_s = from_s; time_s < to_s; time_s += kHourS) {
    building_.AppendHour(time_s, lines);
    if (lines.size() < kBodyBytes && time_s + kHourS < to_s) continue;
    RETURN_IF_ERROR(Write(long_policy_, lines));
    lines.clear();
  }
  return absl::OkStatus();
}

absl::Status Feeder::FillUpTo(int64_t now_s, Building::Late late) {
  const int64_t from_s = next_s_;
  std::string lines;
  std::string events;
  int64_t time_s = next_s_;
  while (time_s <= now_s) {
    building_.AppendStep(time_s, options_.interval_s, late, lines);
    Building::AppendEvents(time_s, time_s + options_.interval_s, events);
    time_s += options_.interval_s;
    if (lines.size() < kBodyBytes && time_s <= now_s) continue;
    RETURN_IF_ERROR(Write("", lines));
    RETURN_IF_ERROR(Write(long_policy_, events));
    lines.clear();
    events.clear();
    next_s_ = time_s;
    if (options_.progress) {
      options_.progress(static_cast<double>(time_s - from_s) /
                        static_cast<double>(now_s + options_.interval_s - from_s));
    }
    if (time_s <= now_s && !options_.wait(0)) return base::Cancelled("stopped");
  }
  return absl::OkStatus();
}

absl::Status Feeder::ComputeLevels(int64_t now_s) {
  ASSIGN_OR_RETURN(const Answer answer, Ask("SHOW CONTINUOUS QUERIES"));
  RETURN_IF_ERROR(ErrorOf(answer));
  std::vector<std::pair<int64_t, std::string>> queries;
  for (const AnswerSeries& series : answer.at(0).series) {
    if (series.name != options_.database) continue;
    for (const auto& row : series.rows) {
      queries.emplace_back(WindowNs(row.at(1).text), row.at(0).text);
    }
  }
  std::sort(queries.begin(), queries.end());  // coarser windows may be made of finer ones
  for (const auto& [window_ns, name] : queries) {
    ASSIGN_OR_RETURN(const Answer done,
                     Ask(base::StrCat("BACKFILL CONTINUOUS QUERY ", query::QuoteIdentifier(name),
                                      " ON ", query::QuoteIdentifier(options_.database), " FROM ",
                                      found_s_ * kSecondNs, " TO ", now_s * kSecondNs)));
    RETURN_IF_ERROR(ErrorOf(done), "continuous query=", name);
    if (options_.note) options_.note(base::StrCat("computed the windows of ", name));
    if (!options_.wait(0)) return base::Cancelled("stopped");
  }
  return absl::OkStatus();
}

}  // namespace varve::cli
