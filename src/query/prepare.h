// A compiled SELECT bound to what the shards hold: sources found, names looked up, types known.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "query/compile.h"
#include "query/query_state.h"
#include "query/window.h"

namespace varve::query {

struct PreparedSelect;
struct RowShape;

// The sides of a JOIN.
struct PreparedJoin {
  std::shared_ptr<const Join> join;  // of subqueries
  std::vector<std::shared_ptr<const PreparedSelect>> sides;
};

// A measurement in a view, a subquery or a JOIN.
struct PreparedSource {
  PolicyName policy;
  std::shared_ptr<const engine::ReadView> view;
  std::string measurement;
  std::shared_ptr<const PreparedSelect> subquery;
  std::shared_ptr<const PreparedJoin> join;
};

struct PreparedSelect {
  std::shared_ptr<const CompiledSelect> compiled;
  SelectStatement statement;    // of `compiled`, with wildcards expanded and types given
  model::TimeRange range;       // that is asked for
  TimeRanges ranges;            // where several are asked for, those `range` is the hull of
  model::TimeRange read_range;  // that is read: with the window before it, where one is needed
  std::vector<PreparedSource> sources;
  std::vector<std::string> columns;       // of the answer; "time" first, unless this is a subquery
  std::shared_ptr<const RowShape> shape;  // null: rows are answered as they come

  // The several ranges, the outer ones widened to the ends of `hull`; empty where `hull` is the one
  // range.
  TimeRanges RangesWithin(const model::TimeRange& hull) const;
  TimeRanges ReadTimes() const;  // all that is read
  Windows WindowsOver(const model::TimeRange& over) const {
    return Windows(compiled->interval, over, compiled->has_zone, compiled->zone);
  }
};

// `read` with what LOOKBACK adds to `range` on the side the answer begins.
model::TimeRange LookBack(const CompiledSelect& compiled, const model::TimeRange& range,
                          model::TimeRange read);

// Opens views, expands names and checks types. Errors: as RunSelect.
absl::StatusOr<std::shared_ptr<const PreparedSelect>> PrepareSelect(
    std::shared_ptr<const CompiledSelect> compiled, QueryState& query);

}  // namespace varve::query
