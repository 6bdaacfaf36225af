#include "query/row_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "query/condition.h"
#include "query/value_list.h"

namespace varve::query {
namespace {

using model::ColumnVector;
using model::FieldType;
using model::FieldValue;

bool IsOrder(Operator op) {
  return op == Operator::kEq || op == Operator::kNeq || op == Operator::kLt ||
         op == Operator::kLte || op == Operator::kGt || op == Operator::kGte;
}
// `constant op column` as `column op constant`.
Operator Mirror(Operator op) {
  switch (op) {
    case Operator::kLt:
      return Operator::kGt;
    case Operator::kLte:
      return Operator::kGte;
    case Operator::kGt:
      return Operator::kLt;
    case Operator::kGte:
      return Operator::kLte;
    default:
      return op;
  }
}

template <typename T, typename F>
void Compare(const T* values, size_t rows, uint8_t* mask, F&& holds) {
  for (size_t i = 0; i < rows; ++i) mask[i] = holds(values[i]) ? 1 : 0;
}
// Compares in the type C, as Go does once both sides have met.
template <typename C, typename T>
void CompareAll(Operator op, const T* values, size_t rows, C with, uint8_t* mask) {
  switch (op) {
    case Operator::kEq:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) == with; });
    case Operator::kNeq:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) != with; });
    case Operator::kLt:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) < with; });
    case Operator::kLte:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) <= with; });
    case Operator::kGt:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) > with; });
    default:
      return Compare(values, rows, mask, [=](T v) { return static_cast<C>(v) >= with; });
  }
}

// Whether `op with` may hold of a value between `min` and `max`, which are compared in the type C.
template <typename C, typename T>
bool MayHoldBetween(Operator op, T min, T max, C with) {
  const auto low = static_cast<C>(min);
  const auto high = static_cast<C>(max);
  switch (op) {
    case Operator::kEq:
      return low <= with && with <= high;
    case Operator::kLt:
      return low < with;
    case Operator::kLte:
      return low <= with;
    case Operator::kGt:
      return high > with;
    case Operator::kGte:
      return high >= with;
    default:
      return true;
  }
}

// A null never holds.
void ClearNulls(const ColumnVector& column, size_t rows, uint8_t* mask) {
  if (column.validity == nullptr) return;
  for (size_t i = 0; i < rows; ++i) mask[i] &= static_cast<uint8_t>(column.IsValid(i));
}

}  // namespace

bool RowFilter::IsConstant(const VarRef& ref) const {
  return stored_ && (ref.type == DataType::kTag || ref.type == DataType::kUnknown);
}

RowFilter RowFilter::Bind(const ExprPtr& condition, bool stored) {
  RowFilter filter;
  filter.stored_ = stored;
  filter.root_ = filter.Add(condition);
  return filter;
}

size_t RowFilter::ColumnOf(const VarRef& ref) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == ref.name && columns_[i].type == ref.type) return i;
  }
  columns_.push_back(ref);
  return columns_.size() - 1;
}

bool RowFilter::AddComparison(const BinaryExpr& binary, Node* node) {
  const Expr* left = binary.left.get();
  const Expr* right = binary.right.get();
  Operator op = binary.op;
  if (!left->As<VarRef>()) {
    std::swap(left, right);
    op = Mirror(op);
  }
  const auto* ref = left->As<VarRef>();
  if (ref == nullptr) return false;
  node->op = op;
  if (const auto* regex = right->As<RegexLiteral>()) {
    if (left != binary.left.get()) return false;
    node->kind = Kind::kRegex;
    node->regex = regex->regex;
  } else if (const auto* values = right->As<ValuesLiteral>()) {
    node->kind = Kind::kList;
    node->list = values->list;
  } else if (!IsOrder(op)) {
    return false;
  } else if (const auto* number = right->As<NumberLiteral>()) {
    node->kind = Kind::kNumber;
    node->number = number->value;
  } else if (const auto* integer = right->As<IntegerLiteral>()) {
    node->kind = Kind::kNumber;
    node->is_integer = true;
    node->integer = integer->value;
    node->number = static_cast<double>(integer->value);
  } else if (const auto* text = right->As<StringLiteral>()) {
    if (op != Operator::kEq && op != Operator::kNeq) return false;
    node->kind = Kind::kText;
    node->text = text->value;
  } else {
    return false;
  }
  node->column = ColumnOf(*ref);
  node->constant = IsConstant(*ref);
  return true;
}

// hour(time) >= 9
bool RowFilter::AddTimePart(const BinaryExpr& binary, Node* node) {
  const auto* part = binary.left->As<TimePart>();
  const auto* integer = binary.right->As<IntegerLiteral>();
  if (part == nullptr || integer == nullptr || !IsOrder(binary.op)) return false;
  node->kind = Kind::kTimePart;
  node->op = binary.op;
  node->part = part->part;
  node->zone = part->zone;
  node->integer = integer->value;
  node->column = ColumnOf(*RowTime()->As<VarRef>());
  node->constant = false;
  return true;
}

size_t RowFilter::Add(const ExprPtr& expr) {
  if (const auto* paren = expr->As<ParenExpr>()) return Add(paren->inner);
  Node node;
  const auto* binary = expr->As<BinaryExpr>();
  if (binary != nullptr && (binary->op == Operator::kAnd || binary->op == Operator::kOr)) {
    node.kind = binary->op == Operator::kAnd ? Kind::kAnd : Kind::kOr;
    node.left = Add(binary->left);
    node.right = Add(binary->right);
    node.constant = nodes_[node.left].constant && nodes_[node.right].constant;
  } else if (binary == nullptr ||
             (!AddComparison(*binary, &node) && !AddTimePart(*binary, &node))) {
    node.kind = Kind::kRow;
    node.expression = RowExpression::Bind(
        *expr,
        [&](const Expr& e) {
          const auto* ref = e.As<VarRef>();
          if (ref == nullptr) return -1;
          node.constant = node.constant && IsConstant(*ref);
          return static_cast<int>(ColumnOf(*ref));
        },
        /*null_is_false=*/!stored_);
  }
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void RowFilter::Select(size_t rows, std::span<const ColumnVector> columns, uint8_t* mask) const {
  SelectNode(nodes_[root_], rows, columns, mask);
}

bool RowFilter::MayHold(std::span<const model::FieldStatistics> statistics) const {
  return NodeMayHold(nodes_[root_], statistics);
}

bool RowFilter::NodeMayHold(const Node& node,
                            std::span<const model::FieldStatistics> statistics) const {
  if (node.kind == Kind::kAnd) {
    return NodeMayHold(nodes_[node.left], statistics) &&
           NodeMayHold(nodes_[node.right], statistics);
  }
  if (node.kind == Kind::kOr) {
    return NodeMayHold(nodes_[node.left], statistics) ||
           NodeMayHold(nodes_[node.right], statistics);
  }
  if (node.constant || node.kind == Kind::kRow || node.kind == Kind::kTimePart) return true;
  const model::FieldStatistics& known = statistics[node.column];
  if (known.count == 0) return false;  // comparing a null never holds
  if (node.kind != Kind::kNumber || known.min.is_null()) return true;
  switch (known.min.type()) {
    case FieldType::kFloat:
      // Where every value is NaN so are these, and nothing but != holds.
      return MayHoldBetween<double>(node.op, known.min.as_float(), known.max.as_float(),
                                    node.number);
    case FieldType::kInteger:
      if (!node.is_integer) {
        return MayHoldBetween<double>(node.op, known.min.as_integer(), known.max.as_integer(),
                                      node.number);
      }
      return MayHoldBetween<int64_t>(node.op, known.min.as_integer(), known.max.as_integer(),
                                     node.integer);
    case FieldType::kUnsigned:
      if (!node.is_integer) {
        return MayHoldBetween<double>(node.op, known.min.as_unsigned(), known.max.as_unsigned(),
                                      node.number);
      }
      // Every unsigned is greater than a negative number.
      if (node.integer < 0)
        return node.op != Operator::kLt && node.op != Operator::kLte && node.op != Operator::kEq;
      return MayHoldBetween<uint64_t>(node.op, known.min.as_unsigned(), known.max.as_unsigned(),
                                      static_cast<uint64_t>(node.integer));
    default:
      return true;
  }
}

void RowFilter::SelectRows(const Node& node, size_t rows, std::span<const ColumnVector> columns,
                           uint8_t* mask) const {
  std::vector<FieldValue> row(columns.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t c = 0; c < columns.size(); ++c) row[c] = columns[c].At(i);
    mask[i] = node.expression.Holds(row) ? 1 : 0;
  }
}

void RowFilter::SelectNode(const Node& node, size_t all_rows, std::span<const ColumnVector> columns,
                           uint8_t* mask) const {
  const size_t rows = node.constant ? std::min<size_t>(all_rows, 1) : all_rows;
  const ColumnVector* column = node.column < columns.size() ? &columns[node.column] : nullptr;
  switch (node.kind) {
    case Kind::kAnd:
    case Kind::kOr: {
      SelectNode(nodes_[node.left], all_rows, columns, mask);
      const uint8_t settled = node.kind == Kind::kAnd ? 0 : 1;
      if (std::memchr(mask, settled ^ 1, all_rows) == nullptr) return;
      uint8_t other[model::kBatchRows];
      SelectNode(nodes_[node.right], all_rows, columns, other);
      for (size_t i = 0; i < all_rows; ++i) {
        mask[i] = settled == 0 ? mask[i] & other[i] : mask[i] | other[i];
      }
      return;
    }
    case Kind::kNumber:
      std::memset(mask, 0, all_rows);
      if (column->type == FieldType::kFloat) {
        CompareAll<double>(node.op, column->floats, rows, node.number, mask);
      } else if (column->type == FieldType::kInteger && node.is_integer) {
        CompareAll<int64_t>(node.op, column->integers, rows, node.integer, mask);
      } else if (column->type == FieldType::kInteger) {
        CompareAll<double>(node.op, column->integers, rows, node.number, mask);
      } else if (column->type == FieldType::kUnsigned) {
        SelectUnsigned(node.op, *column, rows, node.is_integer, node.integer, node.number, mask);
      }
      ClearNulls(*column, rows, mask);
      break;
    case Kind::kText: {
      std::memset(mask, 0, all_rows);
      if (column->type != FieldType::kString) break;
      const bool equal = node.op == Operator::kEq;
      for (size_t i = 0; i < rows; ++i) {
        mask[i] = column->IsValid(i) && (column->strings[i] == node.text) == equal;
      }
      break;
    }
    case Kind::kRegex: {
      std::memset(mask, 0, all_rows);
      if (column->type != FieldType::kString) break;
      const bool wanted = node.op == Operator::kEqRegex;
      for (size_t i = 0; i < rows; ++i) {
        mask[i] = column->IsValid(i) && node.regex->Matches(column->strings[i]) == wanted;
      }
      break;
    }
    case Kind::kTimePart: {
      PartReader reader(node.part, node.zone);
      int64_t parts[model::kBatchRows];
      for (size_t i = 0; i < rows; ++i) parts[i] = reader.At(column->integers[i]);
      CompareAll<int64_t>(node.op, parts, rows, node.integer, mask);
      break;
    }
    case Kind::kList: {
      const bool in = node.op == Operator::kIn;
      std::memset(mask, 0, all_rows);
      if (column->type == FieldType::kNone) break;
      for (size_t i = 0; i < rows; ++i) mask[i] = node.list->Holds(in, column->At(i)) ? 1 : 0;
      break;
    }
    case Kind::kRow:
      SelectRows(node, rows, columns, mask);
      break;
  }
  if (node.constant && all_rows > 1) std::memset(mask + 1, mask[0], all_rows - 1);
}

void RowFilter::SelectUnsigned(Operator op, const ColumnVector& column, size_t rows,
                               bool is_integer, int64_t integer, double number, uint8_t* mask) {
  if (!is_integer) {
    CompareAll<double>(op, column.unsigneds, rows, number, mask);
  } else if (integer >= 0) {
    CompareAll<uint64_t>(op, column.unsigneds, rows, static_cast<uint64_t>(integer), mask);
  } else {
    // Every unsigned is greater than a negative number.
    const bool holds = op == Operator::kGt || op == Operator::kGte || op == Operator::kNeq;
    std::memset(mask, holds ? 1 : 0, rows);
  }
}

void RowGatherer::Gather(size_t slot, std::span<const uint32_t> chosen, ColumnVector* column) {
  if (column->type == FieldType::kNone) return;
  if (slot >= buffers_.size()) buffers_.resize(slot + 1);
  Buffer& buffer = buffers_[slot];
  const size_t n = chosen.size();
  if (column->validity != nullptr) {
    buffer.validity.assign((n + 63) / 64, 0);
    for (size_t i = 0; i < n; ++i) {
      buffer.validity[i / 64] |= static_cast<uint64_t>(column->IsValid(chosen[i])) << (i % 64);
    }
    column->validity = buffer.validity.data();
  }
  switch (column->type) {
    case FieldType::kBoolean:
      buffer.booleans.resize(n);
      for (size_t i = 0; i < n; ++i) buffer.booleans[i] = column->booleans[chosen[i]];
      column->booleans = buffer.booleans.data();
      break;
    case FieldType::kString:
      buffer.strings.resize(n);
      for (size_t i = 0; i < n; ++i) buffer.strings[i] = column->strings[chosen[i]];
      column->strings = buffer.strings.data();
      break;
    default: {
      buffer.words.resize(n);
      const auto* bytes = static_cast<const char*>(column->data);
      for (size_t i = 0; i < n; ++i) std::memcpy(&buffer.words[i], bytes + 8 * chosen[i], 8);
      column->data = buffer.words.data();
      break;
    }
  }
}

}  // namespace varve::query
