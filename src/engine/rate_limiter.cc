#include "engine/rate_limiter.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace varve::engine {
namespace {
constexpr double kLongestNapNs = 50e6;  // so that a cancel is seen soon
}

void RateLimiter::Take(uint64_t bytes, const std::atomic<bool>& cancel) {
  if (rate_ == 0) return;
  const auto rate = static_cast<double>(rate_);
  bool taken = false;
  while (!cancel) {
    double debt;
    {
      absl::MutexLock lock(&mu_);
      const int64_t now = env_.MonotonicNs();
      if (filled_ns_ != 0) left_ += rate * static_cast<double>(now - filled_ns_) * 1e-9;
      left_ = std::min(left_, rate);
      filled_ns_ = now;
      if (!taken) left_ -= static_cast<double>(bytes);
      taken = true;
      debt = -left_;
    }
    if (debt <= 0) return;
    const double nap = std::min(debt / rate * 1e9, kLongestNapNs);
    std::this_thread::sleep_for(std::chrono::nanoseconds(static_cast<int64_t>(nap)));
  }
}

}  // namespace varve::engine
