// Sets of times.
#pragma once

#include <vector>

#include "model/types.h"

namespace varve::query {

// Ascending, none empty, no two of them touching.
using TimeRanges = std::vector<model::TimeRange>;

// `range` as a set: nothing when it is empty.
TimeRanges RangesOf(const model::TimeRange& range);
// What is in either.
TimeRanges Union(const TimeRanges& a, const TimeRanges& b);
// What is in both.
TimeRanges Intersection(const TimeRanges& a, const TimeRanges& b);
// From the first time to the last; an empty range for the empty set.
model::TimeRange HullOf(const TimeRanges& ranges);
bool Overlaps(const TimeRanges& ranges, const model::TimeRange& range);
bool Contains(const TimeRanges& ranges, int64_t time);

}  // namespace varve::query
