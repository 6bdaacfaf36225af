// What a shard's segment list holds beside the segments.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/series_set.h"

namespace varve::index {

// Bytes: docs/format.md, "Shard index".
struct ShardState {
  SeriesSet dead;      // series in some segment that the shard has lost
  std::string fields;  // FieldTypes::Encode()

  std::string Encode() const;
  static absl::StatusOr<ShardState> Decode(std::string_view bytes);
};

}  // namespace varve::index
