// Threads that run queries: as many as there are queries, within a bound.
//
// A query waits for its client when that reads slowly, so a fixed few threads could all be held by
// slow readers. Threads are made when a query comes and none is idle, and kept.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace varve::http {

// Thread safety: every method may be called from any thread.
class QueryThreads {
 public:
  // At most `threads_max` queries run and `queue_max` wait.
  QueryThreads(size_t threads_max, size_t queue_max)
      : threads_max_(threads_max), queue_max_(queue_max) {}
  // Sets stopping(), runs what waits, then joins.
  ~QueryThreads();

  // True from when the end began: what no client waits for ends soon.
  const std::atomic<bool>& stopping() const { return stopping_; }

  // Runs `task` on one of the threads; false, and nothing queued, when all are busy and the queue
  // is full.
  bool Submit(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Work();

  const size_t threads_max_;
  const size_t queue_max_;
  absl::Mutex mu_;
  absl::CondVar work_;  // the queue got a task, or all shall stop
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  size_t idle_ ABSL_GUARDED_BY(mu_) = 0;
  std::atomic<bool> stopping_{false};  // changed under mu_
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::http
