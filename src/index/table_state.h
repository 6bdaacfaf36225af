// What the series table's segment list holds beside the segments.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/series_set.h"
#include "model/types.h"

namespace varve::index {

// Bytes: docs/format.md, "Segment list".
struct TableState {
  model::SeriesId next_series = 0;  // greater than every id that a segment has or had
  SeriesSet dead;                   // series in some segment that the table has forgotten

  std::string Encode() const;
  static absl::StatusOr<TableState> Decode(std::string_view bytes);
};

}  // namespace varve::index
