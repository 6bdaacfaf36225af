// Watches the free space of the disk, cheaply enough for every write.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/env.h"

namespace varve::engine {

// Thread safety: every method may be called from any thread.
class DiskSpace {
 public:
  // Kept free so that a full disk leaves room to flush, truncate the log and recover.
  static constexpr uint64_t kReserveBytes = uint64_t{16} << 20;

  // `env` must outlive it.
  DiskSpace(base::Env& env, std::vector<std::string> folders)
      : env_(env), folders_(std::move(folders)) {}

  // UNAVAILABLE when less than the reserve is free; asks the system every 20 ms at most.
  absl::Status CheckForWrite();
  // RESOURCE_EXHAUSTED when `bytes` more would eat into half of the reserve; asks the system.
  absl::Status CheckFor(uint64_t bytes) const;

 private:
  absl::Status Check(uint64_t bytes, uint64_t reserve) const;

  base::Env& env_;
  const std::vector<std::string> folders_;
  std::atomic<int64_t> checked_ns_{0};
  std::atomic<bool> low_{false};
};

}  // namespace varve::engine
