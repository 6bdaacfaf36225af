// Which files of a shard to merge next: a pure decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace varve::engine {

// The level of a file that holds what a full compaction left.
inline constexpr uint32_t kColdLevel = 64;

struct CompactionFile {
  uint64_t sequence = 0;
  uint64_t bytes = 0;
  uint32_t level = 0;
  bool damaged = false;         // never merged: what can be read of it stays where it is
  bool has_tombstones = false;  // some tombstone applies to it
};

struct CompactionOptions {
  size_t files_min = 4;                          // of one level, side by side, make the next level
  size_t files_max = 16;                         // merged at a time
  uint64_t bytes_max = uint64_t{4} << 30;        // of all inputs of one merge
  uint64_t cold_bytes_max = uint64_t{64} << 30;  // ... of a full compaction
  bool full = false;  // the shard is cold: as few files as the limits allow, coded densely
};

struct CompactionPlan {
  std::vector<uint64_t> sequences;  // of the inputs: ascending neighbours in age
  uint32_t level = 0;               // of the output
  bool cold = false;                // densely coded
};

// `files` ascend by sequence. A merge takes neighbours only, because its output takes the place in
// age of the newest of them. Nullopt: nothing to do.
std::optional<CompactionPlan> PlanCompaction(std::span<const CompactionFile> files,
                                             const CompactionOptions& options);

}  // namespace varve::engine
