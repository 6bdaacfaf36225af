// Tells the log when a check of /health begins to fail and when it passes again.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "http/health.h"
#include "server/logger.h"

namespace varve::server {

// Thread safety: one thread at a time.
class HealthLog {
 public:
  explicit HealthLog(Logger& logger) : logger_(logger) {}

  // `failing` are the checks that fail now; one line for each that did not before, or no longer
  // does. Those that have been logged by whoever met them are passed over.
  void Look(const std::vector<http::HealthCheck>& failing);

 private:
  Logger& logger_;
  std::set<std::string> failing_;  // by name
};

}  // namespace varve::server
