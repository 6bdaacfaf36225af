// HAVING and ORDER BY: which rows of an answer stay, and in which order.
//
// Both are conditions and keys over the rows a SELECT gives: its columns, the tags it groups by,
// and what only they name (hidden columns), which is computed behind the columns and taken off
// again. docs/influxql.md, "Beyond InfluxDB", says what they mean.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/rewrite.h"

namespace varve::query {

// True for ORDER BY with anything but one `time`, which only says in which direction rows are read.
bool OrdersRows(const std::vector<SortField>& fields);

// What prepare.cc learns about HAVING and ORDER BY. Immutable.
struct RowShape {
  struct Key {
    bool is_time = false;
    RowExpression value;  // unless is_time
    bool ascending = true;
  };
  // Computed behind the columns: calls, or, without calls, fields and tags.
  std::vector<ExprPtr> hidden;
  // A row that is tested: `width` values that stay, the hidden ones, these tags of its group.
  std::vector<std::string> tags;
  size_t width = 0;
  std::optional<RowExpression> having;
  std::vector<Key> keys;  // none: rows stay in the order they come
  size_t limit = 0;       // 0: none
  size_t offset = 0;
};

// Binds HAVING and ORDER BY of a statement whose names are known; null when it has neither.
// INVALID_ARGUMENT where a name or call means no column.
absl::StatusOr<std::shared_ptr<const RowShape>> BindShape(const PreparedSelect& select,
                                                          const std::vector<SourceSchema>& sources);

// A sink for the rows of one statement that knows when it has seen enough. One thread at a time.
class ShapingSink : public RowSink {
 public:
  // Hands out what is left. Call it once, at the end.
  virtual absl::Status Finish() = 0;
};

// Leaves out rows that do not meet HAVING and hands the rest, hidden columns included, to `next`.
std::unique_ptr<ShapingSink> MakeHavingSink(const RowShape& shape, ShapingSink& next);
// Takes the hidden columns off; LIMIT and OFFSET count the rows of each series.
std::unique_ptr<ShapingSink> MakePageSink(const RowShape& shape, RowSink& next);
// Orders the rows of all series. With a limit no more than limit + offset rows are held, else all,
// within the query's memory: RESOURCE_EXHAUSTED. `as_table`: the rows that LIMIT and OFFSET choose
// are handed out group by group in the order they came, which is how a subquery is read.
std::unique_ptr<ShapingSink> MakeOrderSink(const RowShape& shape, bool as_table, QueryState& query,
                                           RowSink& next);

// What EXPLAIN says about them.
std::vector<std::string> DescribeShape(const PreparedSelect& select);

}  // namespace varve::query
