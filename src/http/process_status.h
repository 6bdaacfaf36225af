// What the system says of this process.
#pragma once

#include <cstdint>

namespace varve::http {

struct ProcessStatus {
  uint64_t resident_bytes = 0;   // all of its memory that is in RAM
  uint64_t anonymous_bytes = 0;  // of these, what is no mapped file
  uint64_t cpu_ns = 0;           // user and system
  uint64_t threads = 0;
  uint64_t open_files = 0;
  uint64_t open_files_max = 0;
};

// Reads /proc/self. What cannot be read is 0.
ProcessStatus ReadProcessStatus();

}  // namespace varve::http
