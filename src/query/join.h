// JOIN: the answers of several SELECTs, side by side where time and tags are equal.
//
// A statement over `m AS a JOIN n AS b` is one over rows with the columns "a.x" and "b.y". Each
// side becomes a subquery that reads what the statement names of it, with its calls computed there;
// their answers are put together, and the statement selects from the result. docs/influxql.md,
// "Beyond InfluxDB", says what that means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "query/ast.h"
#include "query/prepare.h"
#include "query/rewrite.h"
#include "query/row_source.h"

namespace varve::query {

// Makes every side of the statement's JOIN a subquery and the statement one over their columns;
// another statement is returned as it is. INVALID_ARGUMENT where it is not clear which side is
// meant, or where a side cannot give what is asked for.
absl::StatusOr<SelectStatement> RewriteJoin(const SelectStatement& statement);

// What a statement sees of the joined rows. `sides`: of the rewritten join.
absl::StatusOr<SourceSchema> SchemaOfJoin(
    const Join& join, const std::vector<std::shared_ptr<const PreparedSelect>>& sides);

// Joins the answers of the sides on time and `tags`: one series for each combination of values of
// the tags. Where several rows of a side share time and tags, each is joined with each of the other
// sides. RESOURCE_EXHAUSTED when the result does not fit in the query's memory.
absl::StatusOr<std::shared_ptr<const Table>> JoinTables(
    const Join& join, const std::vector<std::shared_ptr<const Table>>& sides,
    const std::vector<std::string>& tags, QueryState& query);

// "JOIN b" and the like, with what it is joined on, for EXPLAIN.
std::string DescribeJoin(const Join& join);

}  // namespace varve::query
