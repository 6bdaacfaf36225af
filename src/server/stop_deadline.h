// Sees to it that a server that was told to stop does.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <thread>

#include "server/logger.h"

namespace varve::server {

// Ends the process, with exit code 1, when it still lives after a time or when the signal comes a
// second time. That is no worse than a crash: what was acknowledged is in the log. Thread safety:
// one thread makes and destroys it.
class StopDeadline {
 public:
  // `signals` are blocked on all threads; of these SIGINT and SIGTERM end the process. `logger`
  // must outlive this.
  StopDeadline(const sigset_t& signals, int64_t timeout_ns, Logger& logger);
  // The process goes on.
  ~StopDeadline();
  StopDeadline(const StopDeadline&) = delete;
  StopDeadline& operator=(const StopDeadline&) = delete;

 private:
  void Watch(const sigset_t& signals, int64_t timeout_ns, Logger& logger);

  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace varve::server
