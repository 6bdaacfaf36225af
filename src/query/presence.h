// Which series and fields have points at some time: SHOW ... WHERE time BETWEEN a AND b.
//
// Files tell by the times of their blocks, so that only blocks across the ends of a range are
// decoded; a series is left at its first point. Takes no more memory than the sets of series.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/read_view.h"
#include "query/time_ranges.h"

namespace varve::query {

using Interrupted = std::function<absl::Status()>;

// Of `candidates`, series of `measurement` in `view`, those with a point within `ranges`; no more
// than `wanted` of them.
absl::StatusOr<index::SeriesSet> SeriesWithin(
    const engine::ReadView& view, std::string_view measurement, const index::SeriesSet& candidates,
    const TimeRanges& ranges, const Interrupted& interrupted, uint64_t wanted = UINT64_MAX);

// Names and types of the fields that any of `series` has a value of within `ranges`. `view`: of one
// shard, so that each field has one type. Adds to `fields`.
absl::Status FieldsWithin(const engine::ReadView& view, std::string_view measurement,
                          const index::SeriesSet& series, const TimeRanges& ranges,
                          const Interrupted& interrupted,
                          std::set<std::pair<std::string, std::string>>* fields);

}  // namespace varve::query
