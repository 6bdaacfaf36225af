#include "server/stop_deadline.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/env.h"

namespace varve::server {
namespace {

constexpr int kFailed = 1;
constexpr int64_t kLookEveryNs = 20'000'000;

}  // namespace

StopDeadline::StopDeadline(const sigset_t& signals, int64_t timeout_ns, Logger& logger)
    : thread_([this, signals, timeout_ns, &logger] { Watch(signals, timeout_ns, logger); }) {}

StopDeadline::~StopDeadline() {
  over_ = true;
  thread_.join();
}

void StopDeadline::Watch(const sigset_t& signals, int64_t timeout_ns, Logger& logger) {
  base::Env& env = base::Env::Default();
  const int64_t end_ns = env.MonotonicNs() + timeout_ns;
  while (!over_) {
    const int64_t left_ns = end_ns - env.MonotonicNs();
    const timespec pause{0, std::clamp<int64_t>(left_ns, 0, kLookEveryNs)};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    const bool again = signal == SIGINT || signal == SIGTERM;
    if (!again && left_ns > 0) continue;
    alarm(1);  // ends the process, too, should nobody take what is logged
    logger.Error(
        again ? "told to stop again: ending at once" : "stopping took too long: ending at once",
        {{"lost", "nothing that was acknowledged"}});
    _exit(kFailed);
  }
}

}  // namespace varve::server
