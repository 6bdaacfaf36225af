// Holds background work to a number of bytes per second.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"

namespace varve::engine {

// A bucket that fills at the rate, up to one second's worth. Thread safety: any thread.
class RateLimiter {
 public:
  // bytes_per_second 0: no limit. `env` must outlive it.
  RateLimiter(base::Env& env, uint64_t bytes_per_second)
      : env_(env), rate_(bytes_per_second), left_(static_cast<double>(bytes_per_second)) {}

  // Takes `bytes`; returns when the bucket is not overdrawn any more, or once `*cancel`.
  void Take(uint64_t bytes, const std::atomic<bool>& cancel) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  base::Env& env_;
  const uint64_t rate_;
  absl::Mutex mu_;
  double left_ ABSL_GUARDED_BY(mu_);
  int64_t filled_ns_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace varve::engine
