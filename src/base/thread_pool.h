// A fixed set of worker threads with a bounded queue.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace varve::base {

// Thread safety: every method may be called from any thread, a worker included.
class ThreadPool {
 public:
  // threads >= 1. `queue_max` bounds the tasks that wait.
  ThreadPool(size_t threads, size_t queue_max);
  // Runs what is queued, then joins.
  ~ThreadPool();

  // Queues `task`; false, and nothing queued, when the queue is full.
  bool TrySubmit(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs body(i) for i in [0, n), on the caller and on idle workers; returns when all are done.
  // The caller takes part, so this cannot deadlock however busy the pool is. `body` may be called
  // from several threads at once.
  void ParallelFor(size_t n, const std::function<void(size_t)>& body);

  size_t threads() const { return workers_.size(); }

 private:
  void Work();

  absl::Mutex mu_;
  absl::CondVar queued_;  // or stopping
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  const size_t queue_max_;
  std::vector<std::thread> workers_;
};

}  // namespace varve::base
