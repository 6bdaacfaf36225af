// What HAVING and ORDER BY may hold, as far as it can be told without data.
#include <algorithm>

#include "base/status.h"
#include "query/compile_state.h"
#include "query/condition.h"
#include "query/evaluate.h"
#include "query/functions/function.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// Calls that answer rows of their own: they have no one value for a row of other calls.
bool HasRowsOfItsOwn(const Call& call, const Interval& interval) {
  const Function* function = FindFunction(call.name);
  if (function->Is(FunctionKind::kTransformation)) {
    return interval.zero() || function->first == FirstArgument::kWindows;
  }
  return function->gaps == Gaps::kNone;
}

bool HasWildcard(const Expr& expr) {
  if (expr.As<Wildcard>() || expr.As<RegexLiteral>()) return true;
  const auto* call = expr.As<Call>();
  return call != nullptr && std::any_of(call->args.begin(), call->args.end(),
                                        [](const ExprPtr& arg) { return HasWildcard(*arg); });
}

// What holds or does not, so far as the form of an expression tells.
bool MayBeCondition(const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return MayBeCondition(*paren->inner);
  if (const auto* binary = expr.As<BinaryExpr>()) {
    if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
      return MayBeCondition(*binary->left) && MayBeCondition(*binary->right);
    }
    return binary->op > Operator::kOr;
  }
  return expr.As<VarRef>() || expr.As<BooleanLiteral>() || expr.As<Call>();
}

bool NamesColumn(const Expr& expr) {
  if (expr.As<VarRef>()) return true;
  if (const auto* paren = expr.As<ParenExpr>()) return NamesColumn(*paren->inner);
  if (const auto* binary = expr.As<BinaryExpr>()) {
    return NamesColumn(*binary->left) || NamesColumn(*binary->right);
  }
  const auto* call = expr.As<Call>();
  if (call == nullptr) return false;
  return FindFunction(call->name, FunctionKind::kMath) == nullptr ||
         std::any_of(call->args.begin(), call->args.end(),
                     [](const ExprPtr& arg) { return NamesColumn(*arg); });
}

// x BETWEEN a AND b as (x >= a AND x <= b).
ExprPtr WithoutBetween(const ExprPtr& expr) {
  if (const auto* between = expr->As<Between>()) {
    return MakeExpr(ParenExpr{MakeExpr(BinaryExpr{
        Operator::kAnd, MakeExpr(BinaryExpr{Operator::kGte, between->expr, between->low}),
        MakeExpr(BinaryExpr{Operator::kLte, between->expr, between->high})})});
  }
  if (const auto* paren = expr->As<ParenExpr>()) {
    return MakeExpr(ParenExpr{WithoutBetween(paren->inner)});
  }
  const auto* binary = expr->As<BinaryExpr>();
  if (binary == nullptr) return expr;
  return MakeExpr(
      BinaryExpr{binary->op, WithoutBetween(binary->left), WithoutBetween(binary->right)});
}

}  // namespace

bool OrdersRows(const std::vector<SortField>& fields) {
  return fields.size() > 1 || (fields.size() == 1 && fields[0].expr != nullptr);
}

absl::Status CompileState::CompileShape() {
  SelectStatement& statement = out->statement;
  if (statement.having != nullptr) {
    statement.having = RewriteDistinct(FoldMath(Reduce(WithoutBetween(statement.having), nullptr)));
    if (!MayBeCondition(*statement.having)) {
      return base::InvalidArgument("HAVING takes a condition, and ", Format(*statement.having),
                                   " is none");
    }
    RETURN_IF_ERROR(CheckShape("HAVING", *statement.having));
  }
  if (!OrdersRows(statement.sort_fields)) return absl::OkStatus();
  for (SortField& field : statement.sort_fields) {
    if (field.expr == nullptr) continue;
    field.expr = RewriteDistinct(FoldMath(Reduce(field.expr, nullptr)));
    if (!NamesColumn(*field.expr)) {
      return base::InvalidArgument("ORDER BY ", Format(*field.expr),
                                   ": there is no column, tag or call in it");
    }
    RETURN_IF_ERROR(CheckShape("ORDER BY", *field.expr));
  }
  return absl::OkStatus();
}

absl::Status CompileState::CheckShape(std::string_view clause, const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return CheckShape(clause, *paren->inner);
  if (const auto* call = expr.As<Call>()) return CheckShapeCall(clause, *call);
  if (const auto* ref = expr.As<VarRef>()) {
    if (ref->name != "time") return absl::OkStatus();
    if (clause == "HAVING") {
      return base::InvalidArgument("HAVING cannot test time; WHERE can");
    }
    return base::InvalidArgument("ORDER BY takes time by itself only, not within an expression");
  }
  if (const auto* binary = expr.As<BinaryExpr>()) {
    RETURN_IF_ERROR(CheckShape(clause, *binary->left));
    const bool match = binary->op == Operator::kEqRegex || binary->op == Operator::kNeqRegex;
    if (match && binary->right->As<RegexLiteral>()) return absl::OkStatus();
    return CheckShape(clause, *binary->right);
  }
  if (expr.As<Wildcard>() || expr.As<RegexLiteral>()) {
    return base::InvalidArgument(clause, ": ", Format(expr), " names no single column");
  }
  if (expr.As<DurationLiteral>() || expr.As<TimeLiteral>()) {
    return base::InvalidArgument(clause, ": no column holds a duration as ", Format(expr));
  }
  return absl::OkStatus();
}

absl::Status CompileState::CheckShapeCall(std::string_view clause, const Call& call) {
  const std::string text = Format(*MakeExpr(call));
  if (const Function* math = FindFunction(call.name, FunctionKind::kMath)) {
    RETURN_IF_ERROR(CheckArgumentCount(*math, call));
    for (const ExprPtr& arg : call.args) RETURN_IF_ERROR(CheckShape(clause, *arg));
    return absl::OkStatus();
  }
  for (const SelectField& field : out->statement.fields) {
    if (Format(*field.expr) == text) return absl::OkStatus();
  }
  if (calls == 0) {
    return base::InvalidArgument(clause, " ", text,
                                 ": SELECT has no calls, so its rows are points");
  }
  // Checked by itself: what stands beside it cannot make it wrong.
  CompileState alone;
  alone.now_ns = now_ns;
  alone.out->interval = out->interval;
  alone.out->interval_inherited = out->interval_inherited;
  Field field;
  RETURN_IF_ERROR(alone.CompileExpr(*MakeExpr(call), &field));
  if (HasWildcard(*MakeExpr(call))) {
    return base::InvalidArgument(clause, " ", text, ": a pattern names no single column");
  }
  if (HasRowsOfItsOwn(call, out->interval)) {
    return base::InvalidArgument(clause, " ", text, ": ", call.name,
                                 "() answers rows of its own and must be among the columns");
  }
  out->windows_before = std::max(out->windows_before, field.windows_before);
  return absl::OkStatus();
}

}  // namespace varve::query
