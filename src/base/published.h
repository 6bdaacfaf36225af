// A pointer to something that is replaced whole and never changed.
#pragma once

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace varve::base {

// Holds the current version of a T for many readers and an occasional writer.
//
// Thread safety: every method may be called from any thread. The lock is held for one pointer copy
// (libstdc++ 12's std::atomic<std::shared_ptr> spins on a bit that ThreadSanitizer cannot see).
template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  std::shared_ptr<const T> Load() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return value_;
  }
  // The old version is released after the lock is.
  void Store(std::shared_ptr<const T> value) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    value_.swap(value);
  }

 private:
  mutable absl::Mutex mu_;
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::base
