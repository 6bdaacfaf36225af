#include "retention/ticker.h"

#include <utility>

namespace varve::retention {

Ticker::Ticker(absl::Duration pause, std::function<void()> tick)
    : thread_([this, pause, tick = std::move(tick)] { Run(pause, tick); }) {}

Ticker::~Ticker() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    stop_.SignalAll();
  }
  thread_.join();
}

void Ticker::Run(absl::Duration pause, const std::function<void()>& tick) {
  while (true) {
    tick();
    absl::MutexLock lock(&mu_);
    bool due = false;
    while (!stopping_ && !due) due = stop_.WaitWithTimeout(&mu_, pause);
    if (stopping_) return;
  }
}

}  // namespace varve::retention
