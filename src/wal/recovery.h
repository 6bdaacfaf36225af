// What is on disk when a log is opened: its segments, each read and judged.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/env.h"
#include "wal/log.h"

namespace varve::wal {

struct RecoveredLog {
  std::vector<SegmentInfo> segments;  // in order of LSN
  Lsn last_lsn = 0;                   // of the last record that is or was in the log; 0: none
};

// Reads every segment of `folder` and passes each record to `visit`, in LSN order. Changes nothing.
// A torn tail of the newest segment (SegmentReader::Tail::kTorn) ends it, and shows as
// SegmentInfo::torn_bytes; any other damage, and a segment that is missing between two, is
// DATA_LOSS naming file and offset. A folder that does not exist is empty.
absl::StatusOr<RecoveredLog> ReadLog(base::Env& env, const std::string& folder,
                                     const std::function<void(const Record&)>& visit);

// Replaces the newest segment, unless it was closed in good order, by a copy that holds its good
// records and an end mark, durably. A copy, because what was read may be in memory only: a killed
// process may not have synced it, and after a failed fdatasync no later one saves it.
absl::Status RepairTail(base::Env& env, const std::string& folder, RecoveredLog* log);

}  // namespace varve::wal
