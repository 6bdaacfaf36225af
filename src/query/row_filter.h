// A WHERE clause over the columns of a batch.
//
// Comparisons of a column with a constant, AND and OR run over whole columns; anything else is
// evaluated row by row. What depends on tags alone is evaluated once a batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/column_batch.h"
#include "query/ast.h"
#include "query/evaluate.h"

namespace varve::query {

// Immutable after Bind: any number of threads may select.
class RowFilter {
 public:
  // `stored`: the rows are those of a measurement. Then a tag has one value in all rows of a batch,
  // and comparing a null never holds.
  static RowFilter Bind(const ExprPtr& condition, bool stored);

  // What it reads, in the order Select() wants the columns; a type of kTag or kUnknown: a tag.
  const std::vector<VarRef>& columns() const { return columns_; }

  // Whether the condition may hold for a row of a block of which `statistics` are known, one for
  // each column: count 0 where every row is null, a count alone where nothing else is known, as of
  // tags. Only of stored rows. False is certain.
  bool MayHold(std::span<const model::FieldStatistics> statistics) const;

  // Sets mask[i], for i < rows, to 1 where the condition holds, else 0.
  void Select(size_t rows, std::span<const model::ColumnVector> columns, uint8_t* mask) const;

 private:
  enum class Kind : uint8_t { kAnd, kOr, kNumber, kText, kRegex, kList, kTimePart, kRow };
  struct Node {
    Kind kind = Kind::kRow;
    Operator op = Operator::kEq;
    size_t left = 0;
    size_t right = 0;
    size_t column = 0;
    double number = 0;
    int64_t integer = 0;
    bool is_integer = false;
    std::string text;
    std::shared_ptr<const index::TagRegex> regex;
    DatePart part = DatePart::kYear;
    absl::TimeZone zone;
    std::shared_ptr<const ValueList> list;
    RowExpression expression;
    bool constant = true;  // reads nothing but tags
  };
  size_t Add(const ExprPtr& expr);
  bool AddComparison(const BinaryExpr& binary, Node* node);
  bool AddTimePart(const BinaryExpr& binary, Node* node);
  size_t ColumnOf(const VarRef& ref);
  bool NodeMayHold(const Node& node, std::span<const model::FieldStatistics> statistics) const;
  void SelectNode(const Node& node, size_t rows, std::span<const model::ColumnVector> columns,
                  uint8_t* mask) const;
  static void SelectUnsigned(Operator op, const model::ColumnVector& column, size_t rows,
                             bool is_integer, int64_t integer, double number, uint8_t* mask);
  void SelectRows(const Node& node, size_t rows, std::span<const model::ColumnVector> columns,
                  uint8_t* mask) const;

  bool IsConstant(const VarRef& ref) const;

  bool stored_ = false;
  std::vector<VarRef> columns_;
  std::vector<Node> nodes_;
  size_t root_ = 0;
};

// Gathers chosen rows of columns into buffers of its own.
class RowGatherer {
 public:
  // `column` is replaced by its rows `chosen`; `slot` tells apart the columns of one batch.
  void Gather(size_t slot, std::span<const uint32_t> chosen, model::ColumnVector* column);

 private:
  struct Buffer {
    std::vector<uint64_t> words;
    std::vector<uint8_t> booleans;
    std::vector<std::string_view> strings;
    std::vector<uint64_t> validity;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace varve::query
