#include "base/status.h"
#include "query/condition.h"
#include "query/parser_impl.h"

namespace varve::query {
namespace {

constexpr std::string_view kShowWords =
    "CONTINUOUS, DATABASES, DIAGNOSTICS, FIELD, GRANTS, MEASUREMENT, MEASUREMENTS, QUERIES, "
    "RETENTION, SERIES, SHARD, SHARDS, STATS, SUBSCRIPTIONS, TAG, USERS";

}  // namespace

// SHOW CONTINUOUS is read.
absl::StatusOr<Statement> Parser::ParseShowContinuous() {
  const ScannedToken next = ScanSkippingSpace();
  if (next.token == Token::kQuery && AcceptWord("status")) {
    return Statement{ShowContinuousQueryStatus{}};
  }
  if (next.token != Token::kQueries) return Unexpected(next, TokenText(Token::kQueries));
  return Statement{ShowContinuousQueries{}};
}

// SHOW is read.
absl::StatusOr<Statement> Parser::ParseShow() {
  using What = ShowCardinality::What;
  const ScannedToken word = ScanSkippingSpace();
  switch (word.token) {
    case Token::kContinuous:
      return ParseShowContinuous();
    case Token::kDatabases:
      return Statement{ShowDatabases{}};
    case Token::kDiagnostics: {
      ASSIGN_OR_RETURN(std::string module, ParseForModule());
      return Statement{ShowDiagnostics{std::move(module)}};
    }
    case Token::kField: {
      const ScannedToken next = ScanSkippingSpace();
      if (next.token == Token::kKey) return ParseKeyCardinality(What::kFieldKey);
      if (next.token == Token::kKeys) return ParseShowFieldKeys();
      return Unexpected(next, "KEY, KEYS");
    }
    case Token::kGrants: {
      RETURN_IF_ERROR(Expect(Token::kFor));
      ASSIGN_OR_RETURN(std::string user, ParseIdent());
      return Statement{ShowGrants{std::move(user)}};
    }
    case Token::kMeasurement: {
      const ScannedToken next = ScanSkippingSpace();
      if (next.token == Token::kExact) return ParseCardinality(What::kMeasurement, true);
      if (next.token == Token::kRetention) {
        ASSIGN_OR_RETURN(std::string database, ParseOn());
        return Statement{ShowMeasurementRetention{std::move(database)}};
      }
      if (next.token != Token::kCardinality) return Unexpected(next, "EXACT, CARDINALITY");
      Unscan();
      return ParseCardinality(What::kMeasurement, false);
    }
    case Token::kMeasurements:
      return ParseShowMeasurements();
    case Token::kQueries:
      return Statement{ShowQueries{}};
    case Token::kRetention: {
      RETURN_IF_ERROR(Expect(Token::kPolicies));
      ASSIGN_OR_RETURN(std::string database, ParseOn());
      return Statement{ShowRetentionPolicies{std::move(database)}};
    }
    case Token::kSeries:
      return ParseShowSeries();
    case Token::kShard:
      RETURN_IF_ERROR(Expect(Token::kGroups));
      return Statement{ShowShardGroups{}};
    case Token::kShards:
      return Statement{ShowShards{}};
    case Token::kStats: {
      ASSIGN_OR_RETURN(std::string module, ParseForModule());
      return Statement{ShowStats{std::move(module)}};
    }
    case Token::kSubscriptions:
      return Statement{ShowSubscriptions{}};
    case Token::kTag: {
      const ScannedToken next = ScanSkippingSpace();
      if (next.token == Token::kKey) return ParseKeyCardinality(What::kTagKey);
      if (next.token == Token::kKeys) return ParseShowTagKeys();
      if (next.token == Token::kValues) return ParseShowTagValues();
      return Unexpected(next, "KEY, KEYS, VALUES");
    }
    case Token::kUsers:
      return Statement{ShowUsers{}};
    default:
      return Unexpected(word, kShowWords);
  }
}

absl::StatusOr<std::string> Parser::ParseOn() {
  if (!Accept(Token::kOn)) return std::string();
  return ParseIdent();
}

absl::StatusOr<std::vector<Source>> Parser::ParseFrom() {
  if (!Accept(Token::kFrom)) return std::vector<Source>();
  return ParseSources(/*subqueries=*/false);
}

absl::StatusOr<std::string> Parser::ParseForModule() {
  if (!Accept(Token::kFor)) return std::string();
  return ParseString();
}

absl::Status Parser::ParseLimitOffset(Paging* paging) {
  ASSIGN_OR_RETURN(paging->limit, ParseOptionalInt(Token::kLimit));
  ASSIGN_OR_RETURN(paging->offset, ParseOptionalInt(Token::kOffset));
  return absl::OkStatus();
}

absl::StatusOr<Statement> Parser::ParseShowMeasurements() {
  ShowMeasurements show;
  if (Accept(Token::kOn)) {
    if (Accept(Token::kMul)) {
      show.wildcard_database = true;
    } else {
      ASSIGN_OR_RETURN(show.database, ParseIdent());
    }
    if (Accept(Token::kDot)) {
      if (Accept(Token::kMul)) {
        show.wildcard_policy = true;
      } else {
        ASSIGN_OR_RETURN(show.retention_policy, ParseIdent());
      }
    }
  }
  if (Accept(Token::kWith)) {
    RETURN_IF_ERROR(Expect(Token::kMeasurement));
    const ScannedToken op = ScanSkippingSpace();
    if (op.token != Token::kEq && op.token != Token::kEqRegex) return Unexpected(op, "=, =~");
    ASSIGN_OR_RETURN(show.source, ParseSource(/*subqueries=*/false));
  }
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  ASSIGN_OR_RETURN(show.sort_fields, ParseOrderBy());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  return Statement{std::move(show)};
}

absl::StatusOr<Statement> Parser::ParseShowSeries() {
  const bool exact = Accept(Token::kExact);
  if (Accept(Token::kCardinality)) {
    Unscan();
    return ParseCardinality(ShowCardinality::What::kSeries, exact);
  }
  ShowSeries show;
  ASSIGN_OR_RETURN(show.database, ParseOn());
  ASSIGN_OR_RETURN(show.sources, ParseFrom());
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  ASSIGN_OR_RETURN(show.sort_fields, ParseOrderBy());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  return Statement{std::move(show)};
}

absl::StatusOr<Statement> Parser::ParseShowTagKeys() {
  ShowTagKeys show;
  ASSIGN_OR_RETURN(show.database, ParseOn());
  ASSIGN_OR_RETURN(show.sources, ParseFrom());
  if (Accept(Token::kWith)) {
    Unscan();
    RETURN_IF_ERROR(ParseTagKey(&show.op, &show.key));
  }
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  ASSIGN_OR_RETURN(show.sort_fields, ParseOrderBy());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  ASSIGN_OR_RETURN(show.paging.slimit, ParseOptionalInt(Token::kSlimit));
  ASSIGN_OR_RETURN(show.paging.soffset, ParseOptionalInt(Token::kSoffset));
  return Statement{std::move(show)};
}

absl::StatusOr<Statement> Parser::ParseShowTagValues() {
  if (Accept(Token::kExact)) return ParseCardinality(ShowCardinality::What::kTagValues, true);
  if (Accept(Token::kCardinality)) {
    Unscan();
    return ParseCardinality(ShowCardinality::What::kTagValues, false);
  }
  ShowTagValues show;
  ASSIGN_OR_RETURN(show.database, ParseOn());
  ASSIGN_OR_RETURN(show.sources, ParseFrom());
  RETURN_IF_ERROR(ParseTagKey(&show.op, &show.key));
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  ASSIGN_OR_RETURN(show.sort_fields, ParseOrderBy());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  return Statement{std::move(show)};
}

absl::StatusOr<Statement> Parser::ParseShowFieldKeys() {
  ShowFieldKeys show;
  ASSIGN_OR_RETURN(show.database, ParseOn());
  ASSIGN_OR_RETURN(show.sources, ParseFrom());
  // InfluxDB knows no WHERE here; only `time BETWEEN` makes one.
  const ScannedToken where = ScanSkippingSpace();
  Unscan();
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  if (show.condition != nullptr && !HasTimeBetween(*show.condition)) {
    return Unexpected(where, ";");
  }
  ASSIGN_OR_RETURN(show.sort_fields, ParseOrderBy());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  return Statement{std::move(show)};
}

// SHOW FIELD KEY or SHOW TAG KEY is read.
absl::StatusOr<Statement> Parser::ParseKeyCardinality(ShowCardinality::What what) {
  const bool exact = Accept(Token::kExact);
  RETURN_IF_ERROR(Expect(Token::kCardinality, exact ? "CARDINALITY" : "EXACT, CARDINALITY"));
  Unscan();
  return ParseCardinality(what, exact);
}

// CARDINALITY is next.
absl::StatusOr<Statement> Parser::ParseCardinality(ShowCardinality::What what, bool exact) {
  RETURN_IF_ERROR(Expect(Token::kCardinality));
  ShowCardinality show;
  show.what = what;
  show.exact = exact;
  ASSIGN_OR_RETURN(show.database, ParseOn());
  ASSIGN_OR_RETURN(show.sources, ParseFrom());
  if (what == ShowCardinality::What::kTagValues) {
    RETURN_IF_ERROR(ParseTagKey(&show.op, &show.key));
  }
  ASSIGN_OR_RETURN(show.condition, ParseCondition());
  ASSIGN_OR_RETURN(show.dimensions, ParseDimensions());
  RETURN_IF_ERROR(ParseLimitOffset(&show.paging));
  return Statement{std::move(show)};
}

absl::Status Parser::ParseTagKey(Operator* op, ExprPtr* key) {
  RETURN_IF_ERROR(Expect(Token::kWith));
  RETURN_IF_ERROR(Expect(Token::kKey));
  const ScannedToken token = ScanSkippingSpace();
  switch (token.token) {
    case Token::kIn: {
      RETURN_IF_ERROR(Expect(Token::kLeftParen));
      ASSIGN_OR_RETURN(std::vector<std::string> names, ParseIdentList());
      RETURN_IF_ERROR(Expect(Token::kRightParen));
      *op = Operator::kEq;
      *key = MakeExpr(ListLiteral{std::move(names)});
      return absl::OkStatus();
    }
    case Token::kEq:
    case Token::kNeq: {
      ASSIGN_OR_RETURN(std::string name, ParseIdent());
      *op = token.token == Token::kEq ? Operator::kEq : Operator::kNeq;
      *key = MakeExpr(StringLiteral{std::move(name)});
      return absl::OkStatus();
    }
    case Token::kEqRegex:
    case Token::kNeqRegex: {
      ASSIGN_OR_RETURN(auto regex, ParseRegex());
      if (regex == nullptr) return Unexpected(ScanSkippingSpace(), "regex");
      *op = token.token == Token::kEqRegex ? Operator::kEqRegex : Operator::kNeqRegex;
      *key = MakeExpr(RegexLiteral{std::move(regex)});
      return absl::OkStatus();
    }
    default:
      return Unexpected(token, "IN, =, =~");
  }
}

}  // namespace varve::query
