// A set of series ids as bytes: runs of neighbours, since what dies together was often made
// together. Bytes: docs/format.md, "Segment list" ("Runs of ids").
#pragma once

#include <string>

#include "base/coding.h"
#include "index/series_set.h"

namespace varve::index {

void PutIdRuns(std::string& out, const SeriesSet& ids);
// False when the bytes are malformed.
bool GetIdRuns(base::ByteReader& reader, SeriesSet* ids);

}  // namespace varve::index
