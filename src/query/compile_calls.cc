// What each function takes; the texts are those of InfluxDB 1.x "query/compile.go".
#include <algorithm>
#include <array>

#include "base/status.h"
#include "query/compile_state.h"
#include "query/functions/math.h"

namespace varve::query {
namespace {

template <size_t N>
bool IsOneOf(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 4> kSelectors = {"max", "min", "first", "last"};
constexpr std::array<std::string_view, 7> kAggregates = {"count", "sum",    "mean",  "median",
                                                         "mode",  "stddev", "spread"};
constexpr std::array<std::string_view, 5> kMovingAverages = {
    "exponential_moving_average", "double_exponential_moving_average",
    "triple_exponential_moving_average", "relative_strength_index",
    "triple_exponential_derivative"};
constexpr std::array<std::string_view, 2> kKaufmans = {"kaufmans_efficiency_ratio",
                                                       "kaufmans_adaptive_moving_average"};
constexpr std::array<std::string_view, 7> kTransformations = {
    "derivative",     "non_negative_derivative", "difference", "non_negative_difference",
    "cumulative_sum", "moving_average",          "elapsed"};

absl::Status CountBetween(const Call& call, size_t min, size_t max) {
  const size_t got = call.args.size();
  if (got >= min && got <= max) return absl::OkStatus();
  return base::InvalidArgument("invalid number of arguments for ", call.name,
                               ", expected at least ", min, " but no more than ", max, ", got ",
                               got);
}
absl::Status CountIs(const Call& call, size_t expected) {
  if (call.args.size() == expected) return absl::OkStatus();
  return base::InvalidArgument("invalid number of arguments for ", call.name, ", expected ",
                               expected, ", got ", call.args.size());
}
absl::Status PositiveDuration(const DurationLiteral& duration) {
  if (duration.ns > 0) return absl::OkStatus();
  return base::InvalidArgument("duration argument must be positive, got ",
                               FormatDuration(duration.ns));
}

}  // namespace

bool ReadsWindowBefore(std::string_view transformation) {
  return transformation != "cumulative_sum" && transformation != "integral" &&
         transformation != "holt_winters" && transformation != "holt_winters_with_fit";
}

absl::Status CompileState::CompileExpr(const Expr& expr, Field* field) {
  if (expr.As<VarRef>()) {
    has_auxiliary = true;
    return absl::OkStatus();
  }
  if (expr.As<Wildcard>()) {
    has_auxiliary = true;
    if (field->allow_wildcard) return absl::OkStatus();
    return base::InvalidArgument("unable to use wildcard in a binary expression");
  }
  if (expr.As<RegexLiteral>()) {
    if (!field->allow_wildcard) {
      return base::InvalidArgument("unable to use regex in a binary expression");
    }
    has_auxiliary = true;
    return absl::OkStatus();
  }
  if (const auto* call = expr.As<Call>()) return CompileCall(*call, field);
  if (const auto* distinct = expr.As<Distinct>()) {
    ++calls;
    return CompileDistinct({MakeExpr(VarRef{distinct->name})}, false);
  }
  if (const auto* binary = expr.As<BinaryExpr>()) {
    field->allow_wildcard = false;
    const bool left = IsLiteral(*binary->left);
    const bool right = IsLiteral(*binary->right);
    if (left && right) {
      return base::InvalidArgument("cannot perform a binary expression on two literals");
    }
    if (!left) RETURN_IF_ERROR(CompileExpr(*binary->left, field));
    if (!right) RETURN_IF_ERROR(CompileExpr(*binary->right, field));
    return absl::OkStatus();
  }
  if (const auto* paren = expr.As<ParenExpr>()) return CompileExpr(*paren->inner, field);
  return base::InvalidArgument("field must contain at least one variable");
}

absl::Status CompileState::CompileNested(const Expr& expr, Field* field) {
  if (const auto* call = expr.As<Call>(); call != nullptr && call->name == "distinct") {
    return CompileDistinct(call->args, true);
  }
  if (const auto* distinct = expr.As<Distinct>()) {
    return CompileDistinct({MakeExpr(VarRef{distinct->name})}, true);
  }
  return CompileExpr(expr, field);
}

absl::Status CompileState::CompileSymbol(std::string_view name, const Expr& expr, Field* field) {
  if (expr.As<VarRef>()) return absl::OkStatus();
  if (expr.As<Wildcard>()) {
    if (!field->allow_wildcard) {
      return base::InvalidArgument("unsupported expression with wildcard: ", name, "()");
    }
    only_selectors = false;
    return absl::OkStatus();
  }
  if (expr.As<RegexLiteral>()) {
    if (!field->allow_wildcard) {
      return base::InvalidArgument("unsupported expression with regex field: ", name, "()");
    }
    only_selectors = false;
    return absl::OkStatus();
  }
  return base::InvalidArgument("expected field argument in ", name, "()");
}

absl::Status CompileState::CompileCall(const Call& call, Field* field) {
  if (FindMathFunction(call.name) != nullptr) return CompileMath(call, field);
  ++calls;
  if (call.name == "percentile") return CompilePercentile(call, field);
  if (call.name == "sample") return CompileSample(call, field);
  if (call.name == "distinct") return CompileDistinct(call.args, false);
  if (call.name == "top" || call.name == "bottom") return CompileTopBottom(call, field);
  if (call.name == "integral") return CompileIntegral(call, field);
  if (call.name == "holt_winters" || call.name == "holt_winters_with_fit") {
    return CompileHoltWinters(call, field);
  }
  if (IsOneOf(call.name, kTransformations) || IsOneOf(call.name, kMovingAverages) ||
      IsOneOf(call.name, kKaufmans) || call.name == "chande_momentum_oscillator") {
    return CompileTransformation(call, field);
  }
  return CompileAggregate(call, field);
}

absl::Status CompileState::CompileMath(const Call& call, Field* field) {
  RETURN_IF_ERROR(CountIs(call, FindMathFunction(call.name)->arity));
  for (const ExprPtr& arg : call.args) {
    if (IsLiteral(*arg)) continue;
    RETURN_IF_ERROR(CompileExpr(*arg, field));
  }
  return absl::OkStatus();
}

absl::Status CompileState::CompileAggregate(const Call& call, Field* field) {
  if (IsOneOf(call.name, kAggregates)) {
    only_selectors = false;
  } else if (!IsOneOf(call.name, kSelectors)) {
    return base::InvalidArgument("undefined function ", call.name, "()");
  }
  RETURN_IF_ERROR(CountIs(call, 1));
  if (call.name == "count") {
    const auto* inner = call.args[0]->As<Call>();
    if (inner != nullptr && inner->name == "distinct") return CompileDistinct(inner->args, true);
    if (const auto* distinct = call.args[0]->As<Distinct>()) {
      return CompileDistinct({MakeExpr(VarRef{distinct->name})}, true);
    }
  }
  return CompileSymbol(call.name, *call.args[0], field);
}

absl::Status CompileState::CompileDistinct(const std::vector<ExprPtr>& args, bool nested) {
  if (args.empty()) {
    return base::InvalidArgument("distinct function requires at least one argument");
  }
  if (args.size() != 1) {
    return base::InvalidArgument("distinct function can only have one argument");
  }
  if (!args[0]->As<VarRef>()) {
    return base::InvalidArgument("expected field argument in distinct()");
  }
  if (!nested) has_distinct = true;
  only_selectors = false;
  return absl::OkStatus();
}

absl::Status CompileState::CompileTopBottom(const Call& call, Field* field) {
  if (!top_bottom.empty()) {
    return base::InvalidArgument("selector function ", top_bottom,
                                 "() cannot be combined with other functions");
  }
  if (call.args.size() < 2) {
    return base::InvalidArgument("invalid number of arguments for ", call.name,
                                 ", expected at least 2, got ", call.args.size());
  }
  const auto* limit = call.args.back()->As<IntegerLiteral>();
  if (limit == nullptr) {
    return base::InvalidArgument("expected integer as last argument in ", call.name, "(), found ",
                                 Format(*call.args.back()));
  }
  if (limit->value <= 0) {
    return base::InvalidArgument("limit (", limit->value, ") in ", call.name,
                                 " function must be at least 1");
  }
  if (out->statement.limit > 0 && limit->value > out->statement.limit) {
    return base::InvalidArgument("limit (", limit->value, ") in ", call.name,
                                 " function can not be larger than the LIMIT (",
                                 out->statement.limit, ") in the select statement");
  }
  if (!call.args[0]->As<VarRef>()) {
    return base::InvalidArgument("expected first argument to be a field in ", call.name,
                                 "(), found ", Format(*call.args[0]));
  }
  for (size_t i = 1; i + 1 < call.args.size(); ++i) {
    if (!call.args[i]->As<VarRef>()) {
      return base::InvalidArgument("only fields or tags are allowed in ", call.name, "(), found ",
                                   Format(*call.args[i]));
    }
    if (!out->statement.target.has_value()) {
      ++fields;
      RETURN_IF_ERROR(CompileExpr(*call.args[i], field));
    }
  }
  top_bottom = call.name;
  return absl::OkStatus();
}

absl::Status CompileState::CompilePercentile(const Call& call, Field* field) {
  RETURN_IF_ERROR(CountIs(call, 2));
  if (!call.args[1]->As<IntegerLiteral>() && !call.args[1]->As<NumberLiteral>()) {
    return base::InvalidArgument("expected float argument in percentile()");
  }
  return CompileSymbol(call.name, *call.args[0], field);
}

absl::Status CompileState::CompileSample(const Call& call, Field* field) {
  RETURN_IF_ERROR(CountIs(call, 2));
  const auto* size = call.args[1]->As<IntegerLiteral>();
  if (size == nullptr) return base::InvalidArgument("expected integer argument in sample()");
  if (size->value <= 0) {
    return base::InvalidArgument("sample window must be greater than 1, got ", size->value);
  }
  return CompileSymbol(call.name, *call.args[0], field);
}

absl::Status CompileState::CompileIntegral(const Call& call, Field* field) {
  RETURN_IF_ERROR(CountBetween(call, 1, 2));
  if (call.args.size() == 2) {
    const auto* unit = call.args[1]->As<DurationLiteral>();
    if (unit == nullptr) return base::InvalidArgument("second argument must be a duration");
    RETURN_IF_ERROR(PositiveDuration(*unit));
  }
  only_selectors = false;
  return CompileSymbol(call.name, *call.args[0], field);
}

absl::Status CompileState::CompileHoltWinters(const Call& call, Field* field) {
  RETURN_IF_ERROR(CountIs(call, 3));
  const auto* n = call.args[1]->As<IntegerLiteral>();
  if (n == nullptr) {
    return base::InvalidArgument("expected integer argument as second arg in ", call.name);
  }
  if (n->value <= 0) {
    return base::InvalidArgument("second arg to ", call.name, " must be greater than 0, got ",
                                 n->value);
  }
  const auto* season = call.args[2]->As<IntegerLiteral>();
  if (season == nullptr) {
    return base::InvalidArgument("expected integer argument as third arg in ", call.name);
  }
  if (season->value < 0) {
    return base::InvalidArgument("third arg to ", call.name, " cannot be negative, got ",
                                 season->value);
  }
  only_selectors = false;
  if (!call.args[0]->As<Call>()) {
    return base::InvalidArgument("must use aggregate function with ", call.name);
  }
  if (out->interval.zero()) {
    return base::InvalidArgument(call.name, " aggregate requires a GROUP BY interval");
  }
  return CompileNested(*call.args[0], field);
}

absl::Status CompileState::CheckTechnicalArguments(const Call& call) {
  const bool kaufmans = IsOneOf(call.name, kKaufmans);
  const bool chande = call.name == "chande_momentum_oscillator";
  RETURN_IF_ERROR(CountBetween(call, 2, kaufmans ? 3 : 4));
  const auto* period = call.args[1]->As<IntegerLiteral>();
  if (period == nullptr) return base::InvalidArgument(call.name, " period must be an integer");
  if (period->value < 1) {
    return base::InvalidArgument(call.name, " period must be greater than or equal to 1");
  }
  if (call.args.size() >= 3) {
    const auto* hold = call.args[2]->As<IntegerLiteral>();
    if (hold == nullptr) {
      return base::InvalidArgument(call.name, " hold period must be an integer");
    }
    if (call.name == "triple_exponential_derivative" && hold->value < 1 && hold->value != -1) {
      return base::InvalidArgument(call.name, " hold period must be greater than or equal to 1");
    }
    if (hold->value < 0 && hold->value != -1) {
      return base::InvalidArgument(call.name, " hold period must be greater than or equal to 0");
    }
  }
  if (call.args.size() >= 4) {
    const auto* warmup = call.args[3]->As<StringLiteral>();
    if (warmup == nullptr) {
      return base::InvalidArgument(call.name, " warmup type must be a string");
    }
    const bool known = warmup->value == "exponential" || warmup->value == "simple" ||
                       (chande && warmup->value == "none");
    if (!known) {
      return base::InvalidArgument(call.name,
                                   " warmup type must be one of: ", chande ? "'none' " : "",
                                   "'exponential' 'simple'");
    }
  }
  return absl::OkStatus();
}

absl::Status CompileState::CompileTransformation(const Call& call, Field* field) {
  if (call.name == "derivative" || call.name == "non_negative_derivative" ||
      call.name == "elapsed") {
    RETURN_IF_ERROR(CountBetween(call, 1, 2));
    if (call.args.size() == 2) {
      const auto* unit = call.args[1]->As<DurationLiteral>();
      if (unit == nullptr) {
        return base::InvalidArgument("second argument to ", call.name, " must be a duration, got ",
                                     GoTypeName(*call.args[1]));
      }
      RETURN_IF_ERROR(PositiveDuration(*unit));
    }
  } else if (call.name == "moving_average") {
    RETURN_IF_ERROR(CountIs(call, 2));
    const auto* n = call.args[1]->As<IntegerLiteral>();
    if (n == nullptr) {
      return base::InvalidArgument("second argument for moving_average must be an integer, got ",
                                   GoTypeName(*call.args[1]));
    }
    if (n->value <= 1) {
      return base::InvalidArgument("moving_average window must be greater than 1, got ", n->value);
    }
  } else if (IsOneOf(call.name, kTransformations)) {
    RETURN_IF_ERROR(CountIs(call, 1));
  } else {
    RETURN_IF_ERROR(CheckTechnicalArguments(call));
  }
  only_selectors = false;
  return CompileInput(call, field);
}

absl::Status CompileState::CompileInput(const Call& call, Field* field) {
  const Expr& input = *call.args[0];
  if (ReadsWindowBefore(call.name) && !out->interval.zero()) ++field->windows_before;
  if (input.As<Call>()) {
    if (out->interval.zero()) {
      return base::InvalidArgument(call.name, " aggregate requires a GROUP BY interval");
    }
    return CompileNested(input, field);
  }
  if (!out->interval.zero() && !out->interval_inherited) {
    return base::InvalidArgument("aggregate function required inside the call to ", call.name);
  }
  return CompileSymbol(call.name, input, field);
}

}  // namespace varve::query
