// Merges TSM files of one shard into larger ones: compaction's work, without its decisions.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tsm/file.h"
#include "tsm/tombstone.h"

namespace varve::tsm {

struct MergeInput {
  std::shared_ptr<FileReader> file;
  uint64_t sequence = 0;  // its age: tombstones of an equal or greater sequence apply to it
};

struct MergeOptions {
  WriterOptions writer;
  uint64_t file_bytes_max = uint64_t{2} << 30;  // a further output file is begun behind this size
  // Called with the bytes just read or written; may block to hold a rate. May be empty.
  std::function<void(uint64_t)> throttle;
  // Checked between series: true gives up with CANCELLED and leaves no output.
  const std::atomic<bool>* cancel = nullptr;
  // Gives the name of the next output file.
  std::function<std::string()> next_name;
};

// Merges `inputs`, which are ordered from the oldest to the newest: where two hold a value for one
// (series, field, time), the newer wins; different fields at one time are joined into one row. Rows
// that a tombstone covers are left out. Memory stays within a few chunks, however large the files.
// Returns the finished files, ascending by series; none when nothing remains.
absl::StatusOr<std::vector<FileInfo>> MergeFiles(base::Env& env, const std::string& folder,
                                                 std::span<const MergeInput> inputs,
                                                 std::span<const Tombstone> tombstones,
                                                 const MergeOptions& options);

}  // namespace varve::tsm
