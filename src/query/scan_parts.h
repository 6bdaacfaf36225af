// Cuts the times that a scan reads into parts, so that it need not hold all windows at once.
#pragma once

#include <vector>

#include "model/types.h"
#include "query/execute.h"
#include "query/window.h"

namespace varve::query {

// Parts of `range` in the order of the answer, cut where a window begins, which is at or just
// before the beginning of a shard: what one part reads, no other does, but for the rows of a window
// that lies in two shards. At least one; few, however many shards there are.
//   windows  those of the scan
std::vector<model::TimeRange> ScanParts(const GroupedSources& grouped, const Windows& windows,
                                        const model::TimeRange& range, bool ascending);

}  // namespace varve::query
