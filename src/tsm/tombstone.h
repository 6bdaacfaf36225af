// A deleted range: which series, which times, and which data it is newer than.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/types.h"

namespace varve::tsm {

// Costs the same however many points it covers. Applies to a file or cache whose sequence is at
// most its own; what is written later is not touched.
struct Tombstone {
  uint64_t sequence = 0;
  model::TimeRange range;
  // Ascending ids of the series it covers; shared, never changed.
  std::shared_ptr<const std::vector<model::SeriesId>> series;

  bool Covers(model::SeriesId id) const;  // binary search
};

// The time ranges deleted for one series from data of one age.
//   result  replaced: disjoint, ascending ranges.
void DeletedRanges(std::span<const Tombstone> tombstones, model::SeriesId series, uint64_t sequence,
                   std::vector<model::TimeRange>* result);

}  // namespace varve::tsm
