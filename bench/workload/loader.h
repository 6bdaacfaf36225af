// Posts bodies over keep-alive connections, as fast as the server takes them or at a set rate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client.h"
#include "latencies.h"

namespace varve::bench {

struct LoadOptions {
  Address address;
  std::string target = "/write?db=bench";
  uint64_t connections = 4;
  double bodies_per_s = 0;  // 0: no limit
  bool packed = false;      // the bodies are gzip
};

struct LoadResult {
  double seconds = 0;
  double client_cpu_s = 0;
  uint64_t bytes = 0;
  // With a rate from the time a body was due, so that waiting for a slow server counts.
  Latencies latencies;
};

// Sends every body once; connections take the next body that is left. The first answer that is not
// 2xx stops the run and is returned.
absl::StatusOr<LoadResult> Load(const std::vector<std::string>& bodies, const LoadOptions& options);

// Replaces each body by its gzip form, on all cores.
void Pack(std::vector<std::string>& bodies);

}  // namespace varve::bench
