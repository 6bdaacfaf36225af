// POST /api/v1/prom/read: Prometheus' remote read, answered by a SELECT.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/prom_messages.h"
#include "http/reply.h"
#include "http/run_statement.h"
#include "http/status_code.h"
#include "http/write_request.h"

namespace varve::http {
namespace {

constexpr std::string_view kNameLabel = "__name__";
constexpr int64_t kMillisecondNs = 1'000'000;
// An answer is one block, so it is held whole.
constexpr size_t kAnswerBytesMax = 256 << 20;

using Type = PromMatcher::Type;

// Prometheus' expressions match whole values.
std::string Anchored(std::string_view expression) { return base::StrCat("^(?:", expression, ")$"); }

std::string RegexText(std::string_view expression) {
  std::string text = "/";
  for (const char c : Anchored(expression)) {
    if (c == '/') text += '\\';
    text += c;
  }
  return text += '/';
}

// Matchers on __name__ that a FROM clause cannot say.
class NameFilter {
 public:
  absl::Status Add(const PromMatcher& matcher) {
    Condition& condition = conditions_.emplace_back();
    condition.wanted = matcher.type == Type::kEqual || matcher.type == Type::kMatch;
    if (matcher.type == Type::kEqual || matcher.type == Type::kNotEqual) {
      condition.text = matcher.value;
    } else {
      ASSIGN_OR_RETURN(condition.regex, index::TagRegex::Compile(Anchored(matcher.value)));
    }
    return absl::OkStatus();
  }
  bool Passes(std::string_view name) const {
    for (const Condition& condition : conditions_) {
      const bool matches =
          condition.regex ? condition.regex->Matches(name) : condition.text == name;
      if (matches != condition.wanted) return false;
    }
    return true;
  }

 private:
  struct Condition {
    bool wanted = false;
    std::string text;
    std::shared_ptr<const index::TagRegex> regex;
  };
  std::vector<Condition> conditions_;
};

// Clamped to the times that InfluxQL has.
int64_t ToNs(int64_t ms) {
  constexpr int64_t kFarthest = INT64_MAX - 1;
  int64_t ns = 0;
  if (__builtin_mul_overflow(ms, kMillisecondNs, &ns)) return ms < 0 ? -kFarthest : kFarthest;
  return ns;
}

// One query in parts of InfluxQL.
struct ReadPlan {
  std::string source;           // what FROM can say of the name
  std::string one_measurement;  // the only one, or empty
  bool nothing = false;         // no series is without a name
  NameFilter names;
  std::string where;
};

absl::StatusOr<ReadPlan> PlanRead(const PromQuery& query) {
  if (query.matchers.empty()) return base::InvalidArgument("expected matcher");
  ReadPlan plan;
  plan.source = "/.*/";
  base::StrAppend(plan.where, " WHERE time >= ", ToNs(query.start_ms),
                  " AND time <= ", ToNs(query.end_ms));
  for (const PromMatcher& matcher : query.matchers) {
    const bool is_regex = matcher.type == Type::kMatch || matcher.type == Type::kNotMatch;
    if (matcher.name == kNameLabel) {
      RETURN_IF_ERROR(plan.names.Add(matcher));
      if (matcher.type == Type::kEqual) {
        plan.nothing = plan.nothing || matcher.value.empty();
        plan.source = query::QuoteIdentifier(matcher.value);
        plan.one_measurement = matcher.value;
      } else if (matcher.type == Type::kMatch && plan.one_measurement.empty()) {
        plan.source = RegexText(matcher.value);
      }
      continue;
    }
    // So that an error is about the expression and not about a statement nobody wrote.
    if (is_regex) RETURN_IF_ERROR(index::TagRegex::Compile(Anchored(matcher.value)).status());
    static constexpr std::string_view kOperators[] = {" = ", " != ", " =~ ", " !~ "};
    base::StrAppend(plan.where, " AND ", query::QuoteIdentifier(matcher.name), "::tag",
                    kOperators[static_cast<size_t>(matcher.type)],
                    is_regex ? RegexText(matcher.value) : query::QuoteString(matcher.value));
  }
  return plan;
}

// Puts the rows of the SELECT into the answer. A field that is no float is passed over.
class RowTaker {
 public:
  absl::Status Take(const query::RowBatch& batch) {
    if (batch.new_series) begun_ = false;
    for (size_t row = 0; row < batch.rows; ++row) {
      const query::Cell& time = batch.cells[2 * row];
      const query::Cell& value = batch.cells[2 * row + 1];
      if (value.kind != query::Cell::Kind::kFloat) continue;
      if (!begun_) Begin(*batch.header);
      response_.AddSample({value.float_value, time.integer_value / kMillisecondNs});
    }
    if (response_.size() <= kAnswerBytesMax) return absl::OkStatus();
    return base::InvalidArgument("answer is longer than ", kAnswerBytesMax, " bytes");
  }
  std::string Finish() { return response_.Finish(); }

 private:
  void Begin(const query::SeriesHeader& header) {
    std::vector<std::pair<std::string, std::string>> labels;
    for (const auto& tag : header.tags) {
      if (!tag.second.empty()) labels.push_back(tag);
    }
    response_.BeginSeries(labels);
    begun_ = true;
  }

  PromReadResponse response_;
  bool begun_ = false;
};

class Reader {
 public:
  Reader(const Services& services, const Identity& who, const Request& request)
      : services_(services), who_(who), request_(request) {
    const Form form = ParseUrlEncoded(request.query);
    database_ = form.Get("db");
    policy_ = form.Get("rp");
  }

  absl::StatusOr<std::string> Read(const PromQuery& query) {
    ASSIGN_OR_RETURN(ReadPlan plan, PlanRead(query));
    RETURN_IF_ERROR(CheckTarget());
    std::string from;
    if (plan.nothing) {
      // No FROM.
    } else if (plan.one_measurement.empty()) {
      RETURN_IF_ERROR(FindMeasurements(plan, &from));
    } else if (plan.names.Passes(plan.one_measurement)) {
      from = Qualified(plan.source);
    }
    RowTaker taker;
    if (!from.empty()) {
      RETURN_IF_ERROR(
          RunStatement(services_, who_, request_,
                       base::StrCat("SELECT value FROM ", from, plan.where, " GROUP BY *"),
                       database_, [&](const query::RowBatch& batch) { return taker.Take(batch); }));
    }
    return taker.Finish();
  }

 private:
  absl::Status CheckTarget() const {
    const auto catalog = services_.catalog->Get();
    const meta::Database* database = catalog->FindDatabase(database_);
    if (database == nullptr) return base::InvalidArgument("no database");
    if (database->FindPolicy(policy_.empty() ? database->default_policy : policy_) == nullptr) {
      return base::InvalidArgument("invalid retention policy");
    }
    return absl::OkStatus();
  }

  std::string Qualified(std::string_view source) const {
    return base::StrCat(query::QuoteIdentifier(database_), ".",
                        policy_.empty() ? "" : query::QuoteIdentifier(policy_), ".", source);
  }

  // Lists in `from` the measurements that pass and whose field `value` is a float: side by side
  // in one FROM, integers would be read as floats.
  absl::Status FindMeasurements(const ReadPlan& plan, std::string* from) {
    const std::string text = base::StrCat("SHOW FIELD KEYS ON ", query::QuoteIdentifier(database_),
                                          " FROM ", plan.source);
    return RunStatement(services_, who_, request_, text, database_,
                        [&](const query::RowBatch& batch) {
                          AddMeasurement(plan, batch, from);
                          return absl::OkStatus();
                        });
  }

  void AddMeasurement(const ReadPlan& plan, const query::RowBatch& batch, std::string* from) {
    const std::string& name = batch.header->name;
    for (size_t row = 0; row < batch.rows; ++row) {
      if (batch.cells[2 * row].text != "value" || batch.cells[2 * row + 1].text != "float" ||
          !plan.names.Passes(name)) {
        continue;
      }
      base::StrAppend(*from, from->empty() ? "" : ", ", Qualified(query::QuoteIdentifier(name)));
    }
  }

  const Services& services_;
  const Identity& who_;
  const Request& request_;
  std::string database_;
  std::string policy_;  // empty: the default
};

absl::StatusOr<std::string> Answer(const Services& services, const Identity& who,
                                   const Request& request) {
  ASSIGN_OR_RETURN(const std::string body,
                   Unsnap(request.body, UnpackedBytesMax(services.options.max_body_bytes)));
  ASSIGN_OR_RETURN(const std::vector<PromQuery> queries, ParseReadRequest(body));
  if (queries.size() != 1) {
    return base::InvalidArgument(
        "Prometheus read endpoint currently only supports one query at a time");
  }
  return Reader(services, who, request).Read(queries.front());
}

}  // namespace

void HandlePromRead(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  services.metrics->prom_read_requests.fetch_add(1, std::memory_order_relaxed);
  if (request.body_too_large) {
    exchange->Reply(MakeError(services, request, 413, "Request Entity Too Large"));
    return;
  }
  const Form form = ParseUrlEncoded(request.query);
  const std::string_view database = form.Get("db");
  if (who.required && !MayRead(who, database)) {
    const std::string text =
        who.principal
            ? base::StrCat("user \"", who.principal->user,
                           "\" is not authorized to read from database \"", database, "\"")
            : base::StrCat("user is required to read from database \"", database, "\"");
    exchange->Reply(MakeError(services, request, 403, text));
    return;
  }
  const absl::StatusOr<std::string> answer = Answer(services, who, request);
  if (!answer.ok()) {
    const int code = HttpStatus(answer.status());
    exchange->Reply(MakeError(services, request, code == 403 || code >= 429 ? code : 400,
                              base::MessageOf(answer.status())));
    return;
  }
  Response response = MakeResponse(services, request, 200, Format::kJson);
  response.headers[0].second = "application/x-protobuf";
  response.headers.emplace_back("Content-Encoding", "snappy");
  response.body = Snap(*answer);
  services.metrics->query_bytes.fetch_add(response.body.size(), std::memory_order_relaxed);
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
