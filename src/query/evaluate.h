// Expressions over the columns of a row, with the arithmetic of InfluxDB's ValuerEval.
//
// Source: InfluxDB 1.x "influxql/ast.go", ValuerEval: numbers of different types meet as floats,
// integer division gives a float, x / 0 is 0, a null beside a boolean is false, and a comparison of
// values that cannot be compared is false.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "index/predicate.h"
#include "model/types.h"
#include "query/ast.h"

namespace varve::query {

// One operator applied to two values; null where it means nothing. A text is matched by a regular
// expression in RowExpression only.
model::FieldValue ApplyOperator(Operator op, const model::FieldValue& left,
                                const model::FieldValue& right);

// Folds calls of mathematical functions whose arguments are all literals, and reduces again.
ExprPtr FoldMath(const ExprPtr& expr);

// An expression bound to the columns of a row. Immutable: any number of threads may evaluate it.
class RowExpression {
 public:
  // Finds the column of a node (a VarRef or a Call), or -1 when it has none: a VarRef without a
  // column is null, a Call without one must be a mathematical function, or it is null too. A
  // TimePart asks for the column of RowTime(), an integer.
  using Resolver = std::function<int(const Expr&)>;

  // `null_is_false`: a null beside a boolean counts as false, as it does everywhere but in the
  // conditions InfluxDB's storage engine evaluates, where comparing a null never holds.
  static RowExpression Bind(const Expr& expr, const Resolver& resolve, bool null_is_false = true);

  // Texts in the result are borrowed from the row or the expression.
  model::FieldValue Evaluate(std::span<const model::FieldValue> row) const {
    return EvaluateNode(root_, row);
  }
  // True when the value is the boolean true.
  bool Holds(std::span<const model::FieldValue> row) const;
  // The column when the expression is nothing but one, else -1.
  int column() const { return nodes_[root_].kind == Kind::kColumn ? nodes_[root_].column : -1; }

 private:
  enum class Kind : uint8_t { kNull, kColumn, kConstant, kBinary, kMatch, kList, kMath, kTimePart };
  struct Node {
    Kind kind = Kind::kNull;
    Operator op = Operator::kAdd;
    int column = -1;
    model::FieldValue constant;
    const struct Function* math = nullptr;
    std::shared_ptr<const index::TagRegex> regex;
    DatePart part = DatePart::kYear;
    absl::TimeZone zone;
    std::shared_ptr<const ValueList> list;
    std::vector<size_t> children;
  };
  size_t Add(const Expr& expr, const Resolver& resolve);
  model::FieldValue EvaluateNode(size_t node, std::span<const model::FieldValue> row) const;

  std::vector<Node> nodes_;
  std::vector<std::shared_ptr<const std::string>> texts_;  // what text constants borrow
  size_t root_ = 0;
  bool null_is_false_ = true;
};

}  // namespace varve::query
