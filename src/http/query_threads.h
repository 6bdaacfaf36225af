// The threads behind the network: they run its loops, and queries that are taken off them.
//
// A query waits for its client when that reads slowly, so a fixed few threads could all be held by
// slow readers. Threads are made when there is something to run and none is idle, and kept.
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
  // At most `queries_max` queries run and `queue_max` wait.
  QueryThreads(size_t queries_max, size_t queue_max)
      : queries_max_(queries_max), queue_max_(queue_max) {}
  // Sets stopping(), runs what waits, then joins. No loop runs any more.
  ~QueryThreads();

  // True from when the end began: what no client waits for ends soon.
  const std::atomic<bool>& stopping() const { return stopping_; }

  // Runs `query` on one of the threads; false, and nothing queued, when as many run as may and the
  // queue is full.
  bool Submit(std::function<void()> query) ABSL_LOCKS_EXCLUDED(mu_);

  // A query that its caller runs itself is counted from TryBegin() to End(). False: as many run as
  // may.
  bool TryBegin() ABSL_LOCKS_EXCLUDED(mu_);
  void End() ABSL_LOCKS_EXCLUDED(mu_);

  // Runs `loop` on one of the threads at once, whatever else runs.
  void RunNow(std::function<void()> loop) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Work();
  // How many of those that wait may run now.
  size_t Runnable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sees to it that one more of them is run.
  void WakeOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t queries_max_;
  const size_t queue_max_;
  absl::Mutex mu_;
  absl::CondVar work_;  // something became runnable, or all shall stop
  std::deque<std::function<void()>> loops_ ABSL_GUARDED_BY(mu_);
  std::deque<std::function<void()>> queries_ ABSL_GUARDED_BY(mu_);
  size_t running_ ABSL_GUARDED_BY(mu_) = 0;  // queries
  size_t idle_ ABSL_GUARDED_BY(mu_) = 0;     // threads that wait
  std::atomic<bool> stopping_{false};        // changed under mu_
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::http
