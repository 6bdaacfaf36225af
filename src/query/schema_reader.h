// What SHOW and DELETE read of a database's schema: views of its shards, and names chosen by FROM
// and WHERE.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/read_view.h"
#include "model/types.h"
#include "query/ast.h"
#include "query/condition.h"
#include "query/statements.h"

namespace varve::query {

using ViewPtr = std::shared_ptr<const engine::ReadView>;

// The shards of `database` that overlap `range`: of one policy, or of all when `policy` is empty.
std::vector<engine::KnownShard> ShardsOf(const meta::Database& database, std::string_view policy,
                                         const model::TimeRange& range);

// A view of them. NOT_FOUND when there is no such database or policy.
absl::StatusOr<ViewPtr> OpenSchema(const StatementContext& context, std::string_view database,
                                   std::string_view policy, const model::TimeRange& range);

// The same, of the shards that overlap any of `ranges`.
absl::StatusOr<ViewPtr> OpenShards(const StatementContext& context, std::string_view database,
                                   std::string_view policy, const TimeRanges& ranges);

// True when `m` means the measurement `name`.
bool Names(const Measurement& m, std::string_view name);

// The measurements of `view` that any of `sources` names (all, without sources), ascending.
std::vector<std::string> MeasurementsOf(const engine::ReadView& view,
                                        const std::vector<Source>& sources);

// A measurement in the view of the policy FROM names it in.
struct SourceMeasurement {
  std::string name;
  std::vector<ViewPtr> views;  // more than one when several sources name it
};
// FROM resolved as SELECT resolves it: every name in its database and policy, or the default ones;
// without sources, all measurements of the default policy. Ascending by name. Errors of FillNames,
// and "retention policy not found: x".
absl::StatusOr<std::vector<SourceMeasurement>> ResolveSources(const std::vector<Source>& sources,
                                                              const std::string& database,
                                                              const model::TimeRange& range,
                                                              const StatementContext& context);

// The same with a view for each shard that overlaps any of `ranges`.
absl::StatusOr<std::vector<SourceMeasurement>> ResolveShards(const std::vector<Source>& sources,
                                                             const std::string& database,
                                                             const TimeRanges& ranges,
                                                             const StatementContext& context);

// What BuildTagPredicate needs to know of a measurement in `view`. `view` must outlive it.
MeasurementShape ShapeOf(const engine::ReadView& view, std::string_view measurement);

// True when `expr` compares time, at the top or below AND, OR and parentheses.
bool HasTime(const Expr& expr);

// The WHERE of SHOW MEASUREMENTS, which chooses measurements by the tags they have.
//
// `tags = false`: comparisons of tags count for nothing, only those of _name choose (what SHOW TAG
// KEYS and SHOW TAG VALUES do before they look at series).
class MeasurementFilter {
 public:
  // INVALID_ARGUMENT with InfluxDB's text when `expr` (null: everything passes) holds anything but
  // equality of tags with strings and regular expressions.
  static absl::StatusOr<MeasurementFilter> Create(ExprPtr expr, bool tags);
  bool Passes(const engine::ReadView& view, std::string_view measurement) const;

 private:
  MeasurementFilter(ExprPtr expr, bool tags) : expr_(std::move(expr)), tags_(tags) {}
  absl::Status Check(const Expr& expr) const;
  std::optional<bool> Evaluate(const Expr& expr, const engine::ReadView& view,
                               std::string_view measurement) const;

  ExprPtr expr_;
  bool tags_;
};

// `expr` without what compares anything but a tag: the part of a WHERE that chooses series in SHOW
// TAG KEYS and SHOW TAG VALUES. Null for null, and when nothing is left.
ExprPtr OnlyTagComparisons(const ExprPtr& expr);

// Calls `visit` for rows [offset, offset + limit) of `n`; a limit of 0 is none.
std::pair<size_t, size_t> PageOf(size_t n, const Paging& paging);

}  // namespace varve::query
