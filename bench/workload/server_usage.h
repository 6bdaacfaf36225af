// What a server process has used, read from /proc.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace varve::bench {

struct ServerUsage {
  double cpu_seconds = 0;  // user and system
  uint64_t peak_memory_bytes = 0;
};

// NOT_FOUND: there is no such process.
absl::StatusOr<ServerUsage> ReadUsage(int pid);

// Waits until the process has used less than 2 % of a core for `quiet_s` seconds on end, at most
// `limit_s`.
absl::StatusOr<ServerUsage> WaitUntilIdle(int pid, int quiet_s, double limit_s);

}  // namespace varve::bench
