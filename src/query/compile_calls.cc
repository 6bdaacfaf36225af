// The expressions of a field: what may be called with what is asked of the functions' rows. The
// texts are those of InfluxDB 1.x "query/compile.go".
#include "base/status.h"
#include "query/compile_state.h"

namespace varve::query {
namespace {

Call CallOf(const Distinct& distinct) {
  return Call{std::string(kDistinctName), {MakeExpr(VarRef{distinct.name})}};
}

bool IsDistinct(const Call& call) { return call.name == kDistinctName; }

}  // namespace

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
  if (const auto* distinct = expr.As<Distinct>()) return CompileCall(CallOf(*distinct), field);
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
  if (expr.As<TimePart>()) {
    field->allow_wildcard = false;
    return absl::OkStatus();
  }
  return base::InvalidArgument("field must contain at least one variable");
}

absl::Status CompileState::CompileNested(const Expr& expr, Field* field) {
  if (const auto* call = expr.As<Call>(); call != nullptr && IsDistinct(*call)) {
    return CompileDistinct(*call, true);
  }
  if (const auto* distinct = expr.As<Distinct>()) return CompileDistinct(CallOf(*distinct), true);
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
  const Function* function = FindFunction(call.name);
  if (function == nullptr) {
    return base::InvalidArgument("undefined function ", call.name, "()");
  }
  if (!function->Is(FunctionKind::kMath)) ++calls;
  if (function->first == FirstArgument::kRanked && !top_bottom.empty()) {
    return base::InvalidArgument("selector function ", top_bottom,
                                 "() cannot be combined with other functions");
  }
  RETURN_IF_ERROR(CheckArgumentCount(*function, call));
  if (function->check != nullptr) {
    RETURN_IF_ERROR(function->check(call, {.limit = out->statement.limit}));
  }
  if (function->Is(FunctionKind::kAggregate) || function->Is(FunctionKind::kTransformation)) {
    only_selectors = false;
  }
  return CompileFirstArgument(*function, call, field);
}

absl::Status CompileState::CompileFirstArgument(const Function& function, const Call& call,
                                                Field* field) {
  switch (function.first) {
    case FirstArgument::kField:
      break;
    case FirstArgument::kFieldOrDistinct: {
      const auto* inner = call.args[0]->As<Call>();
      if (inner != nullptr && IsDistinct(*inner)) return CompileDistinct(*inner, true);
      const auto* distinct = call.args[0]->As<Distinct>();
      if (distinct != nullptr) return CompileDistinct(CallOf(*distinct), true);
      break;
    }
    case FirstArgument::kName:
      return CompileDistinct(call, false);
    case FirstArgument::kRanked:
      return CompileRanked(call, field);
    case FirstArgument::kFieldOrWindows:
    case FirstArgument::kWindows:
      return CompileWindows(function, call, field);
    case FirstArgument::kFieldOrCall:
      if (call.args[0]->As<Call>()) return CompileExpr(*call.args[0], field);
      break;
    case FirstArgument::kExpression:
      for (const ExprPtr& arg : call.args) {
        if (!IsLiteral(*arg)) RETURN_IF_ERROR(CompileExpr(*arg, field));
      }
      return absl::OkStatus();
  }
  return CompileSymbol(call.name, *call.args[0], field);
}

absl::Status CompileState::CompileDistinct(const Call& call, bool nested) {
  const Function& function = *FindFunction(call.name);
  RETURN_IF_ERROR(function.check(call, {}));
  if (!call.args[0]->As<VarRef>()) {
    return base::InvalidArgument("expected field argument in ", call.name, "()");
  }
  if (!nested) has_distinct = true;
  only_selectors = false;
  return absl::OkStatus();
}

absl::Status CompileState::CompileRanked(const Call& call, Field* field) {
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

absl::Status CompileState::CompileWindows(const Function& function, const Call& call,
                                          Field* field) {
  const Expr& input = *call.args[0];
  const bool is_call = input.As<Call>() != nullptr;
  const bool windows = !out->interval.zero();
  if (function.first == FirstArgument::kWindows && !is_call) {
    return base::InvalidArgument("must use aggregate function with ", call.name);
  }
  if (function.first == FirstArgument::kWindows && out->interval.calendar()) {
    return base::InvalidArgument(call.name, " requires windows of one length");
  }
  looks_back = looks_back || function.reads_before;
  if (function.reads_before && windows) ++field->windows_before;
  if (is_call) {
    if (windows) return CompileNested(input, field);
    return base::InvalidArgument(call.name, " aggregate requires a GROUP BY interval");
  }
  if (windows && !out->interval_inherited) {
    return base::InvalidArgument("aggregate function required inside the call to ", call.name);
  }
  return CompileSymbol(call.name, input, field);
}

}  // namespace varve::query
