#include "query/evaluate.h"

#include <array>
#include <cmath>

#include "query/compile.h"
#include "query/condition.h"
#include "query/functions/function.h"
#include "query/functions/numbers.h"
#include "query/value_list.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

bool IsComparison(Operator op) {
  return op == Operator::kEq || op == Operator::kNeq || op == Operator::kLt ||
         op == Operator::kLte || op == Operator::kGt || op == Operator::kGte;
}

template <typename T>
bool Compare(Operator op, T a, T b, FieldValue* out) {
  switch (op) {
    case Operator::kEq:
      *out = FieldValue::Boolean(a == b);
      return true;
    case Operator::kNeq:
      *out = FieldValue::Boolean(a != b);
      return true;
    case Operator::kLt:
      *out = FieldValue::Boolean(a < b);
      return true;
    case Operator::kLte:
      *out = FieldValue::Boolean(a <= b);
      return true;
    case Operator::kGt:
      *out = FieldValue::Boolean(a > b);
      return true;
    case Operator::kGte:
      *out = FieldValue::Boolean(a >= b);
      return true;
    default:
      return false;
  }
}

FieldValue FloatOperator(Operator op, double a, double b) {
  FieldValue out;
  if (Compare(op, a, b, &out)) return out;
  switch (op) {
    case Operator::kAdd:
      return FieldValue::Float(a + b);
    case Operator::kSub:
      return FieldValue::Float(a - b);
    case Operator::kMul:
      return FieldValue::Float(a * b);
    case Operator::kDiv:
      return FieldValue::Float(b == 0 ? 0.0 : a / b);
    case Operator::kMod:
      return FieldValue::Float(std::fmod(a, b));
    default:
      return {};
  }
}

// Wraps around as Go's integers do; T is uint64_t where the sign does not matter.
template <typename T>
FieldValue WholeOperator(Operator op, T a, T b, FieldValue (*make)(T)) {
  FieldValue out;
  if (Compare(op, a, b, &out)) return out;
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  switch (op) {
    case Operator::kAdd:
      return make(static_cast<T>(x + y));
    case Operator::kSub:
      return make(static_cast<T>(x - y));
    case Operator::kMul:
      return make(static_cast<T>(x * y));
    case Operator::kDiv:
      return FieldValue::Float(b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b));
    case Operator::kMod:
      // The one quotient that overflows has no remainder.
      return make(b == 0 || y == ~uint64_t{0} ? (b == 0 || std::is_signed_v<T> ? T{0} : a % b)
                                              : a % b);
    case Operator::kBitAnd:
      return make(static_cast<T>(x & y));
    case Operator::kBitOr:
      return make(static_cast<T>(x | y));
    case Operator::kBitXor:
      return make(static_cast<T>(x ^ y));
    default:
      return {};
  }
}

FieldValue BooleanOperator(Operator op, bool a, bool b, bool comparable) {
  switch (op) {
    case Operator::kAnd:
    case Operator::kBitAnd:
      return FieldValue::Boolean(comparable && a && b);
    case Operator::kOr:
    case Operator::kBitOr:
      return FieldValue::Boolean(comparable && (a || b));
    case Operator::kBitXor:
    case Operator::kNeq:
      return FieldValue::Boolean(comparable && a != b);
    case Operator::kEq:
      return FieldValue::Boolean(comparable && a == b);
    default:
      return IsComparison(op) ? FieldValue::Boolean(false) : FieldValue();
  }
}

// An integer beside an unsigned: compared by value, calculated modulo 2^64.
FieldValue MixedOperator(Operator op, const FieldValue& left, const FieldValue& right) {
  const bool left_signed = left.type() == FieldType::kInteger;
  const int64_t s = left_signed ? left.as_integer() : right.as_integer();
  const uint64_t u = left_signed ? right.as_unsigned() : left.as_unsigned();
  if (IsComparison(op)) {
    const int order = s < 0 ? -1 : (static_cast<uint64_t>(s) > u) - (static_cast<uint64_t>(s) < u);
    FieldValue out;
    Compare(op, left_signed ? order : -order, 0, &out);
    return out;
  }
  const auto cast = static_cast<uint64_t>(s);
  return WholeOperator<uint64_t>(op, left_signed ? cast : u, left_signed ? u : cast,
                                 FieldValue::Unsigned);
}

FieldValue NumberOperator(Operator op, const FieldValue& left, const FieldValue& right) {
  if (left.type() == FieldType::kFloat || right.type() == FieldType::kFloat) {
    return FloatOperator(op, NumberOf(left), NumberOf(right));
  }
  if (left.type() != right.type()) return MixedOperator(op, left, right);
  if (left.type() == FieldType::kInteger) {
    return WholeOperator<int64_t>(op, left.as_integer(), right.as_integer(), FieldValue::Integer);
  }
  return WholeOperator<uint64_t>(op, left.as_unsigned(), right.as_unsigned(), FieldValue::Unsigned);
}

ExprPtr LiteralOf(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      return MakeExpr(NumberLiteral{value.as_float()});
    case FieldType::kInteger:
      return MakeExpr(IntegerLiteral{value.as_integer()});
    case FieldType::kUnsigned:
      return MakeExpr(UnsignedLiteral{value.as_unsigned()});
    default:
      return MakeExpr(NilLiteral{});
  }
}

FieldValue NumberLiteralValue(const Expr& expr) {
  if (const auto* number = expr.As<NumberLiteral>()) return FieldValue::Float(number->value);
  if (const auto* integer = expr.As<IntegerLiteral>()) return FieldValue::Integer(integer->value);
  if (const auto* u = expr.As<UnsignedLiteral>()) return FieldValue::Unsigned(u->value);
  return {};
}

ExprPtr FoldMathCall(const Call& call) {
  Call copy = call;
  bool literals = true;
  for (ExprPtr& arg : copy.args) {
    arg = FoldMath(arg);
    literals = literals && IsLiteral(*arg);
  }
  const Function* math = FindFunction(call.name, FunctionKind::kMath);
  if (math == nullptr || !literals || math->max_arguments != copy.args.size()) {
    return MakeExpr(std::move(copy));
  }
  std::array<FieldValue, 2> values;
  bool null = false;
  for (size_t i = 0; i < copy.args.size(); ++i) {
    values[i] = NumberLiteralValue(*copy.args[i]);
    null = null || values[i].is_null();
  }
  return LiteralOf(null ? FieldValue() : math->evaluate({values.data(), copy.args.size()}));
}

}  // namespace

FieldValue ApplyOperator(Operator op, const FieldValue& left, const FieldValue& right) {
  if (left.type() == FieldType::kBoolean) {
    const bool comparable = right.type() == FieldType::kBoolean || right.is_null();
    return BooleanOperator(op, left.as_boolean(),
                           right.type() == FieldType::kBoolean && right.as_boolean(), comparable);
  }
  if (left.is_null() && right.type() == FieldType::kBoolean) {
    return BooleanOperator(op, false, right.as_boolean(), true);
  }
  if (IsNumber(left.type()) && IsNumber(right.type())) return NumberOperator(op, left, right);
  if (left.type() == FieldType::kString && right.type() == FieldType::kString) {
    if (op == Operator::kEq) return FieldValue::Boolean(left.as_string() == right.as_string());
    if (op == Operator::kNeq) return FieldValue::Boolean(left.as_string() != right.as_string());
  }
  return IsComparison(op) ? FieldValue::Boolean(false) : FieldValue();
}

ExprPtr FoldMath(const ExprPtr& expr) {
  if (const auto* call = expr->As<Call>()) return FoldMathCall(*call);
  if (const auto* binary = expr->As<BinaryExpr>()) {
    return Reduce(MakeExpr(BinaryExpr{binary->op, FoldMath(binary->left), FoldMath(binary->right)}),
                  nullptr);
  }
  if (const auto* paren = expr->As<ParenExpr>()) {
    return Reduce(MakeExpr(ParenExpr{FoldMath(paren->inner)}), nullptr);
  }
  return expr;
}

RowExpression RowExpression::Bind(const Expr& expr, const Resolver& resolve, bool null_is_false) {
  RowExpression bound;
  bound.null_is_false_ = null_is_false;
  bound.root_ = bound.Add(expr, resolve);
  return bound;
}

size_t RowExpression::Add(const Expr& expr, const Resolver& resolve) {
  if (const auto* paren = expr.As<ParenExpr>()) return Add(*paren->inner, resolve);
  Node node;
  if (expr.As<VarRef>() || expr.As<Call>()) {
    node.column = resolve(expr);
    if (node.column >= 0) node.kind = Kind::kColumn;
  }
  if (const auto* call = expr.As<Call>(); call != nullptr && node.column < 0) {
    node.math = FindFunction(call->name, FunctionKind::kMath);
    if (node.math != nullptr && node.math->max_arguments == call->args.size()) {
      node.kind = Kind::kMath;
      for (const ExprPtr& arg : call->args) node.children.push_back(Add(*arg, resolve));
    }
  } else if (const auto* binary = expr.As<BinaryExpr>()) {
    node.op = binary->op;
    const auto* regex = binary->right->As<RegexLiteral>();
    const auto* values = binary->right->As<ValuesLiteral>();
    node.kind = regex != nullptr ? Kind::kMatch : values != nullptr ? Kind::kList : Kind::kBinary;
    node.children.push_back(Add(*binary->left, resolve));
    if (regex != nullptr) {
      node.regex = regex->regex;
    } else if (values != nullptr) {
      node.list = values->list;
    } else {
      node.children.push_back(Add(*binary->right, resolve));
    }
  } else if (const auto* part = expr.As<TimePart>()) {
    node.column = resolve(*RowTime());
    if (node.column >= 0) node.kind = Kind::kTimePart;
    node.part = part->part;
    node.zone = part->zone;
  } else if (const auto* text = expr.As<StringLiteral>()) {
    texts_.push_back(std::make_shared<const std::string>(text->value));
    node.kind = Kind::kConstant;
    node.constant = FieldValue::String(*texts_.back());
  } else if (const auto* boolean = expr.As<BooleanLiteral>()) {
    node.kind = Kind::kConstant;
    node.constant = FieldValue::Boolean(boolean->value);
  } else if (FieldValue number = NumberLiteralValue(expr); !number.is_null()) {
    node.kind = Kind::kConstant;
    node.constant = number;
  }
  // All else, a duration too, is null in a row, as in InfluxDB.
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

FieldValue RowExpression::EvaluateNode(size_t index, std::span<const FieldValue> row) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Kind::kNull:
      return {};
    case Kind::kColumn:
      return row[static_cast<size_t>(node.column)];
    case Kind::kConstant:
      return node.constant;
    case Kind::kBinary: {
      const FieldValue left = EvaluateNode(node.children[0], row);
      const FieldValue right = EvaluateNode(node.children[1], row);
      if (!null_is_false_ && IsComparison(node.op) && (left.is_null() || right.is_null())) {
        return FieldValue::Boolean(false);
      }
      return ApplyOperator(node.op, left, right);
    }
    case Kind::kMatch: {
      const FieldValue text = EvaluateNode(node.children[0], row);
      if (text.type() != FieldType::kString) return FieldValue::Boolean(false);
      const bool negated = node.op == Operator::kNeqRegex;
      return FieldValue::Boolean(node.regex->Matches(text.as_string()) != negated);
    }
    case Kind::kTimePart: {
      const FieldValue& time = row[static_cast<size_t>(node.column)];
      if (time.type() != FieldType::kInteger) return {};
      return FieldValue::Integer(PartOf(node.part, time.as_integer(), node.zone));
    }
    case Kind::kList:
      return FieldValue::Boolean(
          node.list->Holds(node.op == Operator::kIn, EvaluateNode(node.children[0], row)));
    case Kind::kMath: {
      std::array<FieldValue, 2> args;
      for (size_t i = 0; i < node.children.size(); ++i) {
        args[i] = EvaluateNode(node.children[i], row);
        if (args[i].is_null()) return {};
      }
      return node.math->evaluate({args.data(), node.children.size()});
    }
  }
  return {};
}

bool RowExpression::Holds(std::span<const FieldValue> row) const {
  const FieldValue value = Evaluate(row);
  return value.type() == FieldType::kBoolean && value.as_boolean();
}

}  // namespace varve::query
