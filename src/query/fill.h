// fill(): points for the windows that have none.
#pragma once

#include "query/points.h"
#include "query/prepare.h"

namespace varve::query {

// What fills the gaps of a statement: what is written to a measurement has no nulls.
inline FillOption FillOptionOf(const PreparedSelect& select) {
  const FillOption option = select.compiled->fill;
  const bool written = select.statement.target.has_value();
  return written && option == FillOption::kNull ? FillOption::kNone : option;
}

struct FillContext {
  FillOption option = FillOption::kNull;
  model::FieldValue number;  // kNumber: in the type of the values
  bool ascending = true;
  model::TimeRange range;  // whose windows are filled; an open start begins at the first point
  TimeRanges ranges;       // not empty: only the windows of these, and each range by itself, so
                           // that nothing is carried over what lies between
  // How far from a point its value is carried, or a line to the next one drawn; 0: any distance.
  int64_t max_ns = 0;
  size_t points_max = SIZE_MAX;  // points behind so many are not needed
};

// `points`: of one group, in order of time, times being the starts of their windows. Returns them
// with the gaps filled; nothing when there is no point at all. Lines are drawn over windows of one
// length by their count, over windows of the calendar by time.
// Source: InfluxDB 1.x "query/iterator.gen.go", floatFillIterator.
Points FillWindows(const Points& points, const Windows& windows, const FillContext& context);

// Roughly how many points FillWindows() makes of them.
size_t WindowsFilled(const Points& points, const Windows& windows, const FillContext& context);

}  // namespace varve::query
