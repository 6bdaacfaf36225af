// Encodes index parts as one segment. See shard_segment.h.
#pragma once

#include <string>
#include <vector>

#include "index/index_part.h"
#include "index/series_set.h"

namespace varve::index {

struct ShardSegmentBytes {
  std::string file;   // empty when no series is left
  SeriesSet series;   // all that the segment holds
  SeriesSet dropped;  // those of `dead` that the parts had
};

// Merges `parts`, leaving out the series in `dead`. The parts do not change meanwhile. Holds one
// value at a time of each part, and the file's bytes.
ShardSegmentBytes BuildShardSegment(const std::vector<const IndexPart*>& parts,
                                    const SeriesSet& dead);

}  // namespace varve::index
