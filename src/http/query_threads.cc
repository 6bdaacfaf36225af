#include "http/query_threads.h"

#include <utility>

namespace varve::http {

QueryThreads::~QueryThreads() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
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
  return true;
}

void QueryThreads::Work() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      ++idle_;
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      mu_.Await(absl::Condition(&ready));
      --idle_;
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace varve::http
