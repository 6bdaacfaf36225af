#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status.h"
#include "query/condition.h"
#include "query/functions/function.h"
#include "query/parser_impl.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// The operator of a comparison or of logic in `expr`, which SELECT's columns may not hold; empty
// without one.
std::string_view FindCondition(const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return FindCondition(*paren->inner);
  if (expr.As<Between>()) return "BETWEEN";
  if (const auto* call = expr.As<Call>()) {
    for (const ExprPtr& arg : call->args) {
      if (const std::string_view found = FindCondition(*arg); !found.empty()) return found;
    }
    return {};
  }
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr) return {};
  if (binary->op >= Operator::kAnd) return OperatorText(binary->op);
  if (const std::string_view found = FindCondition(*binary->left); !found.empty()) return found;
  return FindCondition(*binary->right);
}

constexpr char kOnlyByTime[] = "only ORDER BY time supported at this time";

// Whether the rows are computed of points, rather than being points.
bool HasAggregates(const Expr& expr) {
  if (expr.As<Distinct>()) return true;
  if (const auto* paren = expr.As<ParenExpr>()) return HasAggregates(*paren->inner);
  if (const auto* binary = expr.As<BinaryExpr>()) {
    return HasAggregates(*binary->left) || HasAggregates(*binary->right);
  }
  const auto* call = expr.As<Call>();
  if (call == nullptr) return false;
  const Function* function = FindFunction(call->name);
  if (function != nullptr && !function->Is(FunctionKind::kMath)) return true;
  return std::any_of(call->args.begin(), call->args.end(),
                     [](const ExprPtr& arg) { return HasAggregates(*arg); });
}

// How long so many months of the calendar are at most.
int64_t LongestMonths(int64_t months) {
  constexpr int64_t kDayNs = 86'400'000'000'000;
  return (months / 12 * 366 + months % 12 * 31) * kDayNs;
}

}  // namespace

absl::StatusOr<int64_t> GroupByInterval(const SelectStatement& statement) {
  for (const Dimension& dimension : statement.dimensions) {
    const auto* call = dimension.expr->As<Call>();
    if (call == nullptr || call->name != "time") continue;
    if (call->args.empty() || call->args.size() > 2) {
      return base::InvalidArgument("time dimension expected 1 or 2 arguments");
    }
    if (const auto* length = call->args[0]->As<CalendarLiteral>()) {
      return LongestMonths(length->months);
    }
    const auto* duration = call->args[0]->As<DurationLiteral>();
    if (duration == nullptr) {
      return base::InvalidArgument("time dimension must have duration argument");
    }
    return duration->ns;
  }
  return 0;
}

// SELECT is read.
absl::StatusOr<SelectStatement> Parser::ParseSelect(TargetRule rule) {
  SelectStatement statement;
  ASSIGN_OR_RETURN(statement.fields, ParseFields());
  ASSIGN_OR_RETURN(statement.target, ParseTarget(rule));
  RETURN_IF_ERROR(Expect(Token::kFrom));
  ASSIGN_OR_RETURN(statement.sources, ParseSources(/*subqueries=*/true));
  ASSIGN_OR_RETURN(statement.condition, ParseCondition());
  ASSIGN_OR_RETURN(statement.dimensions, ParseDimensions());
  RETURN_IF_ERROR(ParseFill(&statement));
  ASSIGN_OR_RETURN(statement.lookback_ns, ParseLookback());
  const bool computes =
      std::any_of(statement.fields.begin(), statement.fields.end(),
                  [](const SelectField& field) { return HasAggregates(*field.expr); });
  // Rows that are points as they are stored are WHERE's to choose.
  if ((computes || !statement.dimensions.empty()) && AcceptWord("having")) {
    ASSIGN_OR_RETURN(statement.having, ParseExpr());
  }
  RETURN_IF_ERROR(ParseSelectTail(&statement));
  // Points may be too many to be put in order: some of them only, with LIMIT.
  if (OrdersRows(statement.sort_fields) && !computes && statement.limit == 0) {
    return base::InvalidArgument(kOnlyByTime);
  }
  return statement;
}

absl::Status Parser::ParseSelectTail(SelectStatement* statement) {
  ASSIGN_OR_RETURN(statement->sort_fields, ParseOrderBy(/*expressions=*/true));
  ASSIGN_OR_RETURN(statement->limit, ParseOptionalInt(Token::kLimit));
  ASSIGN_OR_RETURN(statement->offset, ParseOptionalInt(Token::kOffset));
  ASSIGN_OR_RETURN(statement->slimit, ParseOptionalInt(Token::kSlimit));
  ASSIGN_OR_RETURN(statement->soffset, ParseOptionalInt(Token::kSoffset));
  ASSIGN_OR_RETURN(statement->location, ParseLocation());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SelectField>> Parser::ParseFields() {
  std::vector<SelectField> fields;
  for (;;) {
    ASSIGN_OR_RETURN(SelectField field, ParseField());
    fields.push_back(std::move(field));
    if (Scan().token != Token::kComma) break;
  }
  Unscan();
  return fields;
}

absl::StatusOr<SelectField> Parser::ParseField() {
  SelectField field;
  ASSIGN_OR_RETURN(auto regex, ParseRegex());
  if (regex != nullptr) {
    field.expr = MakeExpr(RegexLiteral{std::move(regex)});
  } else {
    const Position start = ScanSkippingSpace().position;
    Unscan();
    ASSIGN_OR_RETURN(field.expr, ParseExpr());
    if (const std::string_view found = FindCondition(*field.expr); !found.empty()) {
      return base::InvalidArgument("invalid operator ", found, " in SELECT clause at line ",
                                   start.line + 1, ", char ", start.character + 1,
                                   "; operator is intended for WHERE clause");
    }
  }
  ASSIGN_OR_RETURN(field.alias, ParseAlias());
  SkipWhitespace();
  return field;
}

absl::StatusOr<std::string> Parser::ParseAlias() {
  if (!Accept(Token::kAs)) return std::string();
  return ParseIdent();
}

absl::StatusOr<std::optional<Measurement>> Parser::ParseTarget(TargetRule rule) {
  const ScannedToken into = ScanSkippingSpace();
  if (into.token != Token::kInto) {
    if (rule == TargetRule::kRequired) return Unexpected(into, "INTO");
    Unscan();
    return std::optional<Measurement>();
  }
  ASSIGN_OR_RETURN(std::vector<std::string> names, ParseSegmentedIdents());
  if (names.size() < 3 && scanner_.PeekCharacter() == ':') {  // :MEASUREMENT, the source's name
    RETURN_IF_ERROR(Expect(Token::kColon));
    RETURN_IF_ERROR(Expect(Token::kMeasurement));
    names.emplace_back();
  }
  Measurement target;
  target.is_target = true;
  target.name = names.back();
  if (names.size() >= 2) target.retention_policy = names[names.size() - 2];
  if (names.size() >= 3) target.database = names[0];
  return std::optional<Measurement>(std::move(target));
}

absl::StatusOr<std::vector<Source>> Parser::ParseSources(bool subqueries) {
  std::vector<Source> sources;
  bool joined = false;
  do {
    ASSIGN_OR_RETURN(Source source, ParseSource(subqueries));
    if (subqueries) {
      ASSIGN_OR_RETURN(source, ParseJoin(std::move(source)));
    }
    joined = joined || std::holds_alternative<std::shared_ptr<const Join>>(source.node);
    sources.push_back(std::move(source));
    if (joined && sources.size() > 1) {
      return base::InvalidArgument("a JOIN stands alone in FROM; other sources can be its sides");
    }
  } while (Accept(Token::kComma));
  return sources;
}

absl::StatusOr<Source> Parser::ParseSubquery() {
  ++nesting_;
  RETURN_IF_ERROR(CheckNesting(0));
  RETURN_IF_ERROR(Expect(Token::kSelect));
  ASSIGN_OR_RETURN(SelectStatement statement, ParseSelect(TargetRule::kOptional));
  RETURN_IF_ERROR(Expect(Token::kRightParen));
  --nesting_;
  return Source{std::make_shared<const SelectStatement>(std::move(statement))};
}

absl::StatusOr<Source> Parser::ParseSource(bool subqueries) {
  Measurement m;
  ASSIGN_OR_RETURN(m.regex, ParseRegex());
  if (m.regex != nullptr) return Source{std::move(m)};
  if (subqueries && Accept(Token::kLeftParen)) return ParseSubquery();

  ASSIGN_OR_RETURN(std::vector<std::string> names, ParseSegmentedIdents());
  if (names.size() < 3) {
    ASSIGN_OR_RETURN(m.regex, ParseRegex());
    if (m.regex != nullptr) names.emplace_back();
  }
  m.name = names.back();
  if (names.size() >= 2) m.retention_policy = names[names.size() - 2];
  if (names.size() >= 3) m.database = names[0];
  return Source{std::move(m)};
}

absl::StatusOr<ExprPtr> Parser::ParseCondition() {
  if (!Accept(Token::kWhere)) return ExprPtr();
  return ParseExpr();
}

absl::StatusOr<std::vector<Dimension>> Parser::ParseDimensions() {
  std::vector<Dimension> dimensions;
  if (!Accept(Token::kGroup)) return dimensions;
  RETURN_IF_ERROR(Expect(Token::kBy));
  for (;;) {
    ASSIGN_OR_RETURN(auto regex, ParseRegex());
    Dimension dimension;
    if (regex != nullptr) {
      dimension.expr = MakeExpr(RegexLiteral{std::move(regex)});
    } else {
      ASSIGN_OR_RETURN(dimension.expr, ParseExpr());
      SkipWhitespace();
    }
    dimensions.push_back(std::move(dimension));
    if (Scan().token != Token::kComma) break;
  }
  Unscan();
  return dimensions;
}

absl::Status Parser::ParseFill(SelectStatement* statement) {
  if (!AcceptWord("fill")) return absl::OkStatus();
  Unscan();
  ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr());
  const auto* call = expr->As<Call>();
  if (call == nullptr) return base::InvalidArgument("fill must be a function call");
  const std::string word = call->args.empty() ? "" : Format(*call->args[0]);
  const DurationLiteral* age = nullptr;
  if (call->args.size() == 2 && (word == "previous" || word == "linear")) {
    age = call->args[1]->As<DurationLiteral>();
  }
  if (call->args.size() != 1 && age == nullptr) {
    return base::InvalidArgument(
        "fill requires an argument, e.g.: 0, null, none, previous, linear");
  }
  if (age != nullptr && age->ns <= 0) {
    return base::InvalidArgument("the age in fill() must be longer than nothing");
  }
  if (age != nullptr) statement->fill_max_ns = age->ns;
  statement->fill_given = true;
  const Expr& argument = *call->args[0];
  if (word == "null") {
    statement->fill = FillOption::kNull;
  } else if (word == "none") {
    statement->fill = FillOption::kNone;
  } else if (word == "previous") {
    statement->fill = FillOption::kPrevious;
  } else if (word == "linear") {
    statement->fill = FillOption::kLinear;
  } else if (const auto* integer = argument.As<IntegerLiteral>()) {
    statement->fill = FillOption::kNumber;
    statement->fill_value = integer->value;
  } else if (const auto* number = argument.As<NumberLiteral>()) {
    statement->fill = FillOption::kNumber;
    statement->fill_value = number->value;
  } else {
    return base::InvalidArgument("expected number argument in fill()");
  }
  return absl::OkStatus();
}

// LOOKBACK duration; 0 without it.
absl::StatusOr<int64_t> Parser::ParseLookback() {
  if (!AcceptWord("lookback")) return 0;
  const ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kDurationVal) return Unexpected(token, "duration");
  const absl::StatusOr<int64_t> duration = ParseDuration(token.literal);
  if (!duration.ok()) return ErrorAt(base::MessageOf(duration.status()), token.position);
  if (*duration <= 0) return ErrorAt("LOOKBACK must be longer than nothing", token.position);
  return *duration;
}

absl::StatusOr<std::string> Parser::ParseLocation() {
  if (!AcceptWord("tz")) return std::string();
  Unscan();
  ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr());
  const auto* call = expr->As<Call>();
  if (call == nullptr) return base::InvalidArgument("tz must be a function call");
  if (call->args.size() != 1) return base::InvalidArgument("tz requires exactly one argument");
  const auto* name = call->args[0]->As<StringLiteral>();
  if (name == nullptr) return base::InvalidArgument("expected string argument in tz()");
  RETURN_IF_ERROR(LoadTimeZone(name->value).status());
  return name->value.empty() ? "UTC" : name->value;
}

// InfluxDB orders by time only; with `expressions` anything with a column of the answer in it goes.
absl::StatusOr<std::vector<SortField>> Parser::ParseOrderBy(bool expressions) {
  std::vector<SortField> fields;
  if (!Accept(Token::kOrder)) return fields;
  RETURN_IF_ERROR(Expect(Token::kBy));

  const ScannedToken first = ScanSkippingSpace();
  if (first.token == Token::kAsc || first.token == Token::kDesc) {
    fields.push_back({"", first.token == Token::kAsc, nullptr});
  } else if (first.token == Token::kIdent) {
    Unscan();
    ASSIGN_OR_RETURN(SortField field, ParseSortField(expressions));
    fields.push_back(std::move(field));
  } else {
    return Unexpected(first, "identifier, ASC, DESC");
  }
  const auto only_time = [] { return base::InvalidArgument(kOnlyByTime); };
  if (!expressions && first.token == Token::kIdent && fields[0].name != "time") return only_time();
  while (Accept(Token::kComma)) {
    ASSIGN_OR_RETURN(SortField field, ParseSortField(expressions));
    fields.push_back(std::move(field));
  }
  if (!expressions && fields.size() > 1) return only_time();
  return fields;
}

absl::StatusOr<SortField> Parser::ParseSortField(bool expressions) {
  SortField field;
  if (expressions) {
    const ScannedToken first = ScanSkippingSpace();
    if (first.token != Token::kIdent) return Unexpected(first, "identifier");
    Unscan();
    ASSIGN_OR_RETURN(field.expr, ParseExpr());
    const auto* ref = field.expr->As<VarRef>();
    if (ref != nullptr && ref->name == "time") {
      field.name = "time";
      field.expr = nullptr;
    }
  } else {
    ASSIGN_OR_RETURN(field.name, ParseIdent());
  }
  const Token direction = ScanSkippingSpace().token;
  if (direction != Token::kAsc && direction != Token::kDesc) Unscan();
  field.ascending = direction != Token::kDesc;
  return field;
}

// EXPLAIN is read.
absl::StatusOr<Statement> Parser::ParseExplain() {
  Explain explain;
  explain.analyze = Accept(Token::kAnalyze);
  explain.verbose = AcceptWord("verbose");
  RETURN_IF_ERROR(Expect(Token::kSelect));
  ASSIGN_OR_RETURN(SelectStatement select, ParseSelect(TargetRule::kOptional));
  explain.statement = std::make_shared<const SelectStatement>(std::move(select));
  return Statement{std::move(explain)};
}

}  // namespace varve::query
