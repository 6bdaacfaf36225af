// POST /api/v2/delete: points of a time range with some tags.
#include <simdjson.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"
#include "http/bucket.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/reply.h"
#include "http/run_statement.h"
#include "http/status_code.h"
#include "http/write_request.h"

namespace varve::http {
namespace {

namespace dom = simdjson::dom;
using query::ExprPtr;

struct DeleteBody {
  std::string start;
  std::string stop;
  std::string predicate;
};

absl::StatusOr<DeleteBody> ParseBody(const std::string& json) {
  dom::parser parser;
  dom::object object;
  if (const auto error = parser.parse(json).get_object().get(object)) {
    return base::InvalidArgument("delete - cannot parse request body: ",
                                 simdjson::error_message(error));
  }
  DeleteBody body;
  const std::pair<std::string_view, std::string*> members[] = {
      {"start", &body.start}, {"stop", &body.stop}, {"predicate", &body.predicate}};
  for (const auto& [name, text] : members) {
    dom::element value;
    if (object[name].get(value) || value.is_null()) continue;
    std::string_view string;
    if (value.get_string().get(string)) {
      return base::InvalidArgument("delete - cannot parse request body: ", name,
                                   " must be a string");
    }
    *text = string;
  }
  return body;
}

absl::StatusOr<int64_t> ParseTime(std::string_view field, const std::string& text) {
  if (text.empty()) {
    return base::InvalidArgument("delete - ", field, " field in RFC3339Nano format required");
  }
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why)) {
    return base::InvalidArgument("delete - invalid format for ", field, " field \"", text,
                                 "\", please use RFC3339Nano: ", why);
  }
  return absl::ToUnixNanos(time);
}

// A condition taken apart into what names the measurement and the rest, written out again.
struct Conditions {
  std::string measurement;  // empty: none is named
  std::string rest;         // each with " AND " in front
};

// The text of a value: '...', and "..." too, which InfluxQL alone would take for a name.
std::string ValueText(const query::Expr& value) {
  const auto* name = value.As<query::VarRef>();
  return name != nullptr ? query::QuoteString(name->name) : query::Format(value);
}

// False when the condition has anything but AND and comparisons that are not refused.
bool TakeApart(const query::Expr& expr, Conditions* out) {
  if (const auto* paren = expr.As<query::ParenExpr>()) return TakeApart(*paren->inner, out);
  const auto* binary = expr.As<query::BinaryExpr>();
  if (binary == nullptr) return false;
  if (binary->op == query::Operator::kAnd) {
    return TakeApart(*binary->left, out) && TakeApart(*binary->right, out);
  }
  const auto* name = binary->left->As<query::VarRef>();
  if (binary->op != query::Operator::kEq || name == nullptr) return false;
  if (name->name != "_measurement") {
    base::StrAppend(out->rest, " AND ", query::QuoteIdentifier(name->name), " = ",
                    ValueText(*binary->right));
    return true;
  }
  const auto* text = binary->right->As<query::StringLiteral>();
  const auto* identifier = binary->right->As<query::VarRef>();
  if (text == nullptr && identifier == nullptr) return false;
  out->measurement = text != nullptr ? text->value : identifier->name;
  return true;
}

absl::StatusOr<std::string> StatementText(const Bucket& bucket, const DeleteBody& body) {
  ASSIGN_OR_RETURN(const int64_t start_ns, ParseTime("start", body.start));
  ASSIGN_OR_RETURN(const int64_t stop_ns, ParseTime("stop", body.stop));
  Conditions conditions;
  if (!body.predicate.empty()) {
    // In parentheses, so that the whole text has to be one expression.
    const auto expr = query::ParseExpression(base::StrCat("(", body.predicate, ")"), {});
    if (!expr.ok()) {
      return base::InvalidArgument("delete - cannot parse predicate \"", body.predicate,
                                   "\": ", base::MessageOf(expr.status()));
    }
    if (!TakeApart(**expr, &conditions)) {
      return base::InvalidArgument(
          "delete - predicate only supports equality operators and conjunctions. database: \"",
          bucket.database, "\", retention policy: \"", bucket.retention_policy, "\", start: \"",
          body.start, "\", stop: \"", body.stop, "\", predicate: \"", body.predicate, "\"");
    }
  }
  std::string text = "DELETE ";
  if (!conditions.measurement.empty()) {
    base::StrAppend(text, "FROM ", query::QuoteIdentifier(conditions.measurement), " ");
  }
  base::StrAppend(text, "WHERE time >= ", start_ns, " AND time < ", stop_ns, conditions.rest);
  return text;
}

Refusal CheckDelete(const Services& services, const Bucket& bucket, const Identity& who,
                    const Request& request) {
  const auto catalog = services.catalog->Get();
  const meta::Database* database = catalog->FindDatabase(bucket.database);
  if (database == nullptr) {
    return {404, base::StrCat("delete - database not found: \"", bucket.database, "\"")};
  }
  const std::string& policy =
      bucket.retention_policy.empty() ? database->default_policy : bucket.retention_policy;
  if (database->FindPolicy(policy) == nullptr) {
    return {404, base::StrCat("delete - retention policy not found in \"", bucket.database,
                              "\": \"", bucket.retention_policy, "\"")};
  }
  if (who.required && !who.principal) {
    return {403, base::StrCat("delete - user is required to delete from database \"",
                              bucket.database, "\"")};
  }
  if (!MayWrite(who, bucket.database)) {
    return {403, base::StrCat("delete - \"", who.principal->user,
                              "\" is not authorized to delete from \"", bucket.database,
                              "\": ", who.principal->user, " not authorized to write to ",
                              bucket.database)};
  }
  if (request.body_too_large) return {413, "Request Entity Too Large"};
  return {};
}

}  // namespace

void HandleDeleteV2(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  const auto refuse = [&](int status, std::string_view text) {
    exchange->Reply(MakeError(services, request, status, text));
  };
  const Form form = ParseUrlEncoded(request.query);
  const absl::StatusOr<Bucket> bucket = ParseBucket(form.Get("bucket"));
  if (!bucket.ok()) {
    return refuse(404, base::StrCat("delete - bucket: ", base::MessageOf(bucket.status())));
  }
  if (const Refusal refusal = CheckDelete(services, *bucket, who, request); refusal.status != 0) {
    return refuse(refusal.status, refusal.text);
  }
  const absl::StatusOr<DeleteBody> body = ParseBody(request.body);
  if (!body.ok()) return refuse(400, base::MessageOf(body.status()));
  const absl::StatusOr<std::string> text = StatementText(*bucket, *body);
  if (!text.ok()) return refuse(400, base::MessageOf(text.status()));

  // Whoever may write may delete here; the statement alone would ask for more.
  const absl::Status status = RunStatement(services, Identity{}, request, *text, bucket->database);
  if (!status.ok()) {
    const int code = HttpStatus(status);
    return refuse(
        ShouldRetry(code) ? code : 400,
        base::StrCat("delete - database: \"", bucket->database, "\", retention policy: \"",
                     bucket->retention_policy, "\", start: \"", body->start, "\", stop: \"",
                     body->stop, "\", predicate: \"", body->predicate,
                     "\", error: ", base::MessageOf(status)));
  }
  exchange->Reply(MakeResponse(services, request, 200, FormatOf(request)));
}

}  // namespace varve::http
