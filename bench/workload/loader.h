// Posts bodies over keep-alive connections as fast as the server takes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace varve::bench {

struct LoadOptions {
  std::string host = "127.0.0.1";
  int port = 8086;
  std::string target = "/write?db=bench";
  uint64_t connections = 4;
};

struct LoadResult {
  double seconds = 0;
  uint64_t bytes = 0;
  std::vector<double> latencies_ms;  // one per body, ascending
};

// Sends every body once; connections take the next body that is left. The first answer that is not
// 2xx stops the run and is returned.
absl::StatusOr<LoadResult> Load(const std::vector<std::string>& bodies, const LoadOptions& options);

// Sends one request with an empty body; returns the answer's body.
absl::StatusOr<std::string> Request(const LoadOptions& options, const std::string& method,
                                    const std::string& target);

}  // namespace varve::bench
