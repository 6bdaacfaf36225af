// The write-ahead log: one for the whole process. Makes records durable, in order.
//
// A record is bytes with a type the log does not interpret. Appended records get consecutive log
// sequence numbers (LSN), are written by one log thread, made durable by one fdatasync for all that
// wait (group commit), and handed, in LSN order and on the log thread, to the applier; only then is
// the appender called back. So what is visible is durable (policy `always`), and the order of
// application is the order of replay. Bytes: docs/format.md, "WAL segment".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "base/latency_histogram.h"

namespace varve::wal {

// Counts records from 1; 0 is before every record.
using Lsn = uint64_t;

struct Record {
  Lsn lsn = 0;
  uint8_t type = 0;          // 1 to 255; meaning is the caller's
  std::string_view payload;  // borrowed for the call it is passed to
};

enum class SyncPolicy : uint8_t {
  kAlways,    // fdatasync before a record is applied and acknowledged
  kInterval,  // written before, synced every sync_interval_ms
  kOff,       // written before; synced only when a segment is closed
};

struct LogOptions {
  std::string folder;
  SyncPolicy sync = SyncPolicy::kAlways;
  int64_t sync_interval_ms = 1000;
  uint64_t segment_bytes_max = 64 << 20;  // a new segment is begun behind this size
  uint64_t queue_bytes_max = 64 << 20;    // what may wait for the log thread
  // No new record gets this LSN or a smaller one. For callers that keep positions elsewhere: with
  // kInterval and kOff, what they keep can outlive the records a power cut took.
  Lsn lsn_floor = 0;
  // What Open() does with damage. False: fails. True: replays what stands before it, changes
  // nothing on disk, and opens the log sealed; health() is the damage. So, too, on a full disk,
  // behind a whole replay; TryRecover() then ends it once there is space.
  bool open_damaged = false;
};

struct LogStatus {
  std::string folder;
  uint64_t segments = 0;
  uint64_t open_bytes = 0;     // of the segment being written
  uint64_t records = 0;        // these count since the log was opened
  uint64_t bytes_written = 0;  // with what frames the records
  uint64_t sync_errors = 0;
  base::LatencyCounts syncs;
  base::LatencyCounts recent_syncs;  // of the last minute or two
};

// Thread safety: every method may be called from any thread.
class Log {
 public:
  // Called on the log thread (and, during Open, on the caller) for each record in LSN order.
  // Must not fail, and must not call back into the log's blocking methods.
  using Applier = std::function<void(const Record&)>;
  // Called once on the log thread after the record was applied, or with the reason it was refused.
  using Done = std::function<void(absl::Status, Lsn)>;

  // Opens the folder (creating it), replays every record with lsn > `after` through `applier`, and
  // starts the log thread. A record cut short at the end of the newest segment is taken for a power
  // cut, and forgotten; what was replayed is durable when this returns. Any other damage is
  // DATA_LOSS naming the file and offset; so is a bad record of the newest segment when a later
  // record shows that it had been synced. `env` must outlive the log.
  static absl::StatusOr<std::unique_ptr<Log>> Open(base::Env& env, LogOptions options, Lsn after,
                                                   Applier applier);
  // Makes what was appended durable, then stops the thread and closes.
  virtual ~Log() = default;

  // Queues a record. Its place in the order is fixed when this returns: a record appended later by
  // anyone has a greater LSN. `done` may be empty. UNAVAILABLE, and `done` is not called: the log
  // is sealed, or queue_bytes_max are waiting. An empty queue takes any payload.
  virtual absl::Status Append(uint8_t type, std::string payload, Done done) = 0;
  // Append and wait. Must not be called on the log thread.
  virtual absl::StatusOr<Lsn> AppendAndWait(uint8_t type, std::string payload) = 0;

  // Removes segments all of whose records have lsn <= `through`. Never the newest segment; a newest
  // segment that is wholly covered and not empty is closed first, so that an idle log shrinks.
  // Waits for the disk; must not be called on the log thread.
  virtual absl::Status Truncate(Lsn through) = 0;

  // The LSN of the last record applied.
  virtual Lsn applied() const = 0;
  // Bytes of all segments on disk.
  virtual uint64_t bytes() const = 0;

  virtual LogStatus Status() const = 0;

  // OK, or why the log is sealed. A failed write or fdatasync seals it: what waited is refused,
  // and what was not durable is not applied. Retrying a failed fdatasync proves nothing.
  virtual absl::Status health() const = 0;
  // Tries to leave the sealed state where that is safe: only after an error that left nothing in
  // doubt (no space while writing, no fdatasync failed). The torn tail is cut off and a new segment
  // begun. FAILED_PRECONDITION: only a restart can (a fdatasync failed).
  virtual absl::Status TryRecover() = 0;
};

// Walks the segments of a folder without opening the log (varve inspect, tests). Calls `visit` for
// each record; stops at the first damage and returns it: DATA_LOSS with file and byte offset.
struct SegmentInfo {
  std::string file;
  Lsn first_lsn = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;       // up to the end of the last good record or end mark
  uint64_t torn_bytes = 0;  // behind that, lost without harm
  bool closed = false;      // in good order, with an end mark
};
absl::StatusOr<std::vector<SegmentInfo>> InspectFolder(
    base::Env& env, const std::string& folder, const std::function<void(const Record&)>& visit);

}  // namespace varve::wal
