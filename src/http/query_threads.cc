#include "http/query_threads.h"

#include <algorithm>
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

size_t QueryThreads::Runnable() const {
  // What waits at the end is run by whatever thread there is.
  const size_t places = stopping_ ? queries_.size() : queries_max_ - running_;
  return loops_.size() + std::min(queries_.size(), places);
}

void QueryThreads::WakeOne() {
  const size_t runnable = Runnable();
  if (runnable == 0) return;
  if (idle_ >= runnable) {
    work_.Signal();
  } else {
    threads_.emplace_back([this] { Work(); });
  }
}

bool QueryThreads::Submit(std::function<void()> query) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return false;
  if (running_ + queries_.size() >= queries_max_ + queue_max_) return false;
  queries_.push_back(std::move(query));
  if (running_ + queries_.size() <= queries_max_) WakeOne();
  return true;
}

bool QueryThreads::TryBegin() {
  absl::MutexLock lock(&mu_);
  if (stopping_ || running_ + queries_.size() >= queries_max_) return false;
  ++running_;
  return true;
}

void QueryThreads::End() {
  absl::MutexLock lock(&mu_);
  --running_;
  if (!queries_.empty()) WakeOne();
}

void QueryThreads::RunNow(std::function<void()> loop) {
  absl::MutexLock lock(&mu_);
  loops_.push_back(std::move(loop));
  WakeOne();
}

void QueryThreads::Work() {
  bool is_query = false;
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      if (is_query) --running_;
      ++idle_;
      while (!stopping_ && Runnable() == 0) work_.Wait(&mu_);
      --idle_;
      if (Runnable() == 0) return;
      is_query = loops_.empty();
      std::deque<std::function<void()>>& from = is_query ? queries_ : loops_;
      task = std::move(from.front());
      from.pop_front();
      if (is_query) ++running_;
    }
    task();
  }
}

}  // namespace varve::http
