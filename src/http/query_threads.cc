#include "http/query_threads.h"

#include <utility>

namespace varve::http {

QueryThreads::~QueryThreads() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    work_.SignalAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

bool QueryThreads::Submit(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return false;
  if (idle_ <= queue_.size() && threads_.size() < threads_max_) {
    threads_.emplace_back([this] { Work(); });
  } else if (idle_ <= queue_.size() && queue_.size() >= queue_max_) {
    return false;
  }
  queue_.push_back(std::move(task));
  work_.Signal();
  return true;
}

void QueryThreads::Work() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      ++idle_;
      while (!stopping_ && queue_.empty()) work_.Wait(&mu_);
      --idle_;
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace varve::http
