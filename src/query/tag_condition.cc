#include <utility>

#include "query/condition.h"
#include "query/value_list.h"

namespace varve::query {
namespace {

using index::TagPredicate;
using Kind = TagPredicate::Kind;

class Builder {
 public:
  explicit Builder(const MeasurementShape& shape) : shape_(shape) {}

  TagCondition Build(const Expr& expr) const {
    if (const auto* paren = expr.As<ParenExpr>()) return Build(*paren->inner);
    if (const auto* boolean = expr.As<BooleanLiteral>()) return Constant(boolean->value);
    const auto* binary = expr.As<BinaryExpr>();
    if (binary == nullptr) return Constant(false);
    switch (binary->op) {
      case Operator::kAnd:
      case Operator::kOr:
        return Join(*binary);
      case Operator::kEq:
      case Operator::kNeq:
      case Operator::kEqRegex:
      case Operator::kNeqRegex:
      case Operator::kLt:
      case Operator::kLte:
      case Operator::kGt:
      case Operator::kGte:
        return Comparison(*binary);
      case Operator::kIn:
      case Operator::kNotIn:
        return Membership(*binary);
      default:
        return Rows();
    }
  }

  // Of an arithmetic operator in the place of a condition.
  bool ArithmeticHolds(const BinaryExpr& expr) const {
    if (expr.left->As<BinaryExpr>() != nullptr || expr.right->As<BinaryExpr>() != nullptr) {
      return true;
    }
    const auto* key = expr.left->As<VarRef>();
    const Expr* value = expr.right.get();
    if (key == nullptr) {
      key = expr.right->As<VarRef>();
      value = expr.left.get();
    }
    if (key == nullptr || IsField(*key)) return true;
    const auto* other = value->As<VarRef>();
    return other != nullptr ? IsField(*other) : value->As<StringLiteral>() == nullptr;
  }

 private:
  static TagCondition Constant(bool value) {
    return {value ? TagPredicate::All() : TagPredicate::None(), true};
  }
  // What only the rows can tell.
  static TagCondition Rows() { return {TagPredicate::All(), false}; }

  TagCondition Join(const BinaryExpr& expr) const {
    TagCondition left = Build(*expr.left);
    TagCondition right = Build(*expr.right);
    const bool exact = left.exact && right.exact;
    const bool both = expr.op == Operator::kAnd;
    const Kind decisive = both ? Kind::kNone : Kind::kAll;
    const Kind neutral = both ? Kind::kAll : Kind::kNone;
    if (left.predicate.kind == decisive || right.predicate.kind == decisive) {
      return {{.kind = decisive}, exact || (both && decisive == Kind::kNone)};
    }
    if (left.predicate.kind == neutral) return {std::move(right.predicate), exact};
    if (right.predicate.kind == neutral) return {std::move(left.predicate), exact};

    // Children of one kind go into one list, so that long conditions stay flat.
    const Kind kind = both ? Kind::kAnd : Kind::kOr;
    if (left.predicate.kind != kind) {
      std::vector<TagPredicate> children;
      children.push_back(std::move(left.predicate));
      left.predicate = {.kind = kind, .children = std::move(children)};
    }
    if (right.predicate.kind == kind) {
      for (TagPredicate& child : right.predicate.children) {
        left.predicate.children.push_back(std::move(child));
      }
    } else {
      left.predicate.children.push_back(std::move(right.predicate));
    }
    return {std::move(left.predicate), exact};
  }

  bool IsField(const VarRef& ref) const {
    if (ref.name == "_name") return false;
    if (ref.type == DataType::kTag) return false;
    if (ref.type != DataType::kUnknown) return true;
    return shape_.is_field && shape_.is_field(ref.name);
  }

  TagCondition Comparison(const BinaryExpr& expr) const {
    if (expr.left->As<BinaryExpr>() != nullptr || expr.right->As<BinaryExpr>() != nullptr) {
      return Rows();
    }
    const auto* key = expr.left->As<VarRef>();
    const Expr* value = expr.right.get();
    if (key == nullptr) {
      key = expr.right->As<VarRef>();
      value = expr.left.get();
    }
    if (key == nullptr || IsField(*key)) return Rows();
    const auto* other = value->As<VarRef>();
    if (other != nullptr && IsField(*other)) return Rows();

    const bool equal = expr.op == Operator::kEq;
    if (const auto* text = value->As<StringLiteral>()) {
      if (!equal && expr.op != Operator::kNeq) return Constant(false);
      if (key->name == "_name") return Constant((text->value == shape_.name) == equal);
      return {TagPredicate::Compare(equal ? Kind::kEqual : Kind::kNotEqual, key->name, text->value),
              true};
    }
    if (const auto* regex = value->As<RegexLiteral>()) {
      const bool match = expr.op == Operator::kEqRegex;
      if (!match && expr.op != Operator::kNeqRegex) return Constant(false);
      if (key->name == "_name") return Constant(regex->regex->Matches(shape_.name) == match);
      return {TagPredicate::Regex(match ? Kind::kMatch : Kind::kNotMatch, key->name, regex->regex),
              true};
    }
    if (other == nullptr) return Rows();
    return CompareTags(expr.op, key->name, other->name);
  }

  TagCondition Membership(const BinaryExpr& expr) const {
    const auto* key = expr.left->As<VarRef>();
    if (key == nullptr || IsField(*key)) return Rows();
    const ValueList& list = *expr.right->As<ValuesLiteral>()->list;
    const bool in = expr.op == Operator::kIn;
    if (list.kind() == ValueList::Kind::kEmpty) return Constant(!in);
    if (list.kind() != ValueList::Kind::kOfStrings) return Rows();  // as a tag beside one number
    if (key->name == "_name") {
      return Constant(list.Contains(model::FieldValue::String(shape_.name)) == in);
    }
    return {TagPredicate::List(in ? Kind::kOneOf : Kind::kNoneOf, key->name, list.texts()), true};
  }

  // a = b: some value that both have; a != b: no such value.
  TagCondition CompareTags(Operator op, const std::string& a, const std::string& b) const {
    if (op != Operator::kEq && op != Operator::kNeq) return Constant(false);
    if (!shape_.tag_values) return Rows();
    std::vector<TagPredicate> same;
    for (const std::string& value : shape_.tag_values(a)) {
      same.push_back(op == Operator::kEq
                         ? TagPredicate::And({TagPredicate::Compare(Kind::kEqual, a, value),
                                              TagPredicate::Compare(Kind::kEqual, b, value)})
                         : TagPredicate::Or({TagPredicate::Compare(Kind::kNotEqual, a, value),
                                             TagPredicate::Compare(Kind::kNotEqual, b, value)}));
    }
    if (same.empty()) return Constant(op == Operator::kNeq);
    if (op == Operator::kEq) return {TagPredicate::Or(std::move(same)), true};
    return {TagPredicate::And(std::move(same)), true};
  }

  const MeasurementShape& shape_;
};

bool IsArithmetic(Operator op) { return op <= Operator::kBitXor; }

}  // namespace

ExprPtr SettleArithmetic(const ExprPtr& condition, const MeasurementShape& shape) {
  if (condition == nullptr) return condition;
  if (const auto* paren = condition->As<ParenExpr>()) {
    ExprPtr inner = SettleArithmetic(paren->inner, shape);
    return inner == paren->inner ? condition : inner;
  }
  const auto* binary = condition->As<BinaryExpr>();
  if (binary == nullptr) return condition;
  if (IsArithmetic(binary->op)) {
    return MakeExpr(BooleanLiteral{Builder(shape).ArithmeticHolds(*binary)});
  }
  if (binary->op != Operator::kAnd && binary->op != Operator::kOr) return condition;
  ExprPtr left = SettleArithmetic(binary->left, shape);
  ExprPtr right = SettleArithmetic(binary->right, shape);
  if (left == binary->left && right == binary->right) return condition;
  return MakeExpr(BinaryExpr{binary->op, std::move(left), std::move(right)});
}

bool LooksAtTagValues(const ExprPtr& condition) {
  if (condition == nullptr) return false;
  if (const auto* paren = condition->As<ParenExpr>()) return LooksAtTagValues(paren->inner);
  const auto* binary = condition->As<BinaryExpr>();
  if (binary == nullptr) return condition->As<RegexLiteral>() != nullptr;
  const bool names =
      binary->left->As<VarRef>() != nullptr && binary->right->As<VarRef>() != nullptr;
  return names || LooksAtTagValues(binary->left) || LooksAtTagValues(binary->right);
}

TagCondition BuildTagPredicate(const ExprPtr& condition, const MeasurementShape& shape) {
  if (condition == nullptr) return {};
  return Builder(shape).Build(*condition);
}

}  // namespace varve::query
