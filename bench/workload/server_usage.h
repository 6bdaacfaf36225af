// What a server process on this machine has used.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace varve::bench {

struct ServerUsage {
  double cpu_seconds = 0;  // user and system, of all threads, from the kernel's process clock
  uint64_t peak_memory_bytes = 0;
};

// NOT_FOUND: there is no such process.
absl::StatusOr<ServerUsage> ReadUsage(int pid);

// From here on the peak is counted anew. PERMISSION_DENIED: it is another user's process.
absl::Status ResetPeakMemory(int pid);

// Waits until the process has used less than 2 % of a core for `quiet_s` seconds on end, at most
// `limit_s`.
absl::StatusOr<ServerUsage> WaitUntilIdle(int pid, int quiet_s, double limit_s);

}  // namespace varve::bench
