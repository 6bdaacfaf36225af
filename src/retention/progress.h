// How far continuous queries have come: what survives a restart.
// Bytes: docs/format.md, "Progress of continuous queries".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "model/types.h"
#include "retention/time_ranges.h"

namespace varve::retention {

struct QueryProgress {
  uint64_t text_checksum = 0;       // of the statement: another one begins anew
  std::optional<int64_t> last_run;  // the resample slot of the last run that went well
  TimeRanges pending;               // windows to be computed again
};

using QueryKey = std::pair<model::DatabaseId, std::string>;  // and the query's name
using ProgressMap = std::map<QueryKey, QueryProgress>;

// The body of the file.
std::string EncodeProgress(const ProgressMap& progress);
// DATA_LOSS: malformed. Never reads outside `body`.
absl::StatusOr<ProgressMap> DecodeProgress(std::string_view body);

}  // namespace varve::retention
