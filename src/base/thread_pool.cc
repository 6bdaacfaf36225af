#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "base/check.h"

namespace varve::base {
namespace {

// One ParallelFor: shared by the caller and the helpers it queued, which may start after it
// returned and then find nothing left to do.
struct Loop {
  Loop(size_t n, const std::function<void(size_t)>& loop_body) : count(n), body(&loop_body) {}

  void Run() {
    for (;;) {
      const size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      (*body)(i);
      absl::MutexLock lock(&mu);
      if (++finished == count) all_finished.Signal();
    }
  }

  void Wait() ABSL_LOCKS_EXCLUDED(mu) {
    absl::MutexLock lock(&mu);
    while (finished < count) all_finished.Wait(&mu);
  }

  const size_t count;
  const std::function<void(size_t)>* const body;  // the caller's; used only while i < count
  std::atomic<size_t> next{0};
  absl::Mutex mu;
  absl::CondVar all_finished;
  size_t finished ABSL_GUARDED_BY(mu) = 0;
};

}  // namespace

ThreadPool::ThreadPool(size_t threads, size_t queue_max) : queue_max_(queue_max) {
  CHECK_GE(threads, size_t{1});
  workers_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) workers_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    queued_.SignalAll();
  }
  for (std::thread& worker : workers_) worker.join();
}

bool ThreadPool::TrySubmit(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  if (queue_.size() >= queue_max_) return false;
  queue_.push_back(std::move(task));
  queued_.Signal();
  return true;
}

void ThreadPool::ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  if (n == 0) return;
  if (n == 1) {
    body(0);
    return;
  }
  const auto loop = std::make_shared<Loop>(n, body);
  const size_t helpers = std::min(n - 1, workers_.size());
  for (size_t i = 0; i < helpers; ++i) {
    if (!TrySubmit([loop] { loop->Run(); })) break;
  }
  loop->Run();
  loop->Wait();
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      while (!stopping_ && queue_.empty()) queued_.Wait(&mu_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace varve::base
