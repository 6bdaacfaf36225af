#include "http/network_loop.h"

namespace varve::http {

void NetworkLoop::Start() {
  {
    absl::MutexLock lock(&mu_);
    running_ = true;
  }
  threads_.RunNow([this] { Run(); });
}

void NetworkLoop::Stop() {
  guard_.reset();
  context_.stop();
  absl::MutexLock lock(&mu_);
  while (running_) ended_.Wait(&mu_);
}

void NetworkLoop::LetGo() {
  owner_.store(std::thread::id(), std::memory_order_relaxed);
  threads_.RunNow([this] { Run(); });
}

void NetworkLoop::Run() {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  while (IsMine()) {
    if (context_.run_one() > 0) continue;
    // Stopped.
    owner_.store(std::thread::id(), std::memory_order_relaxed);
    absl::MutexLock lock(&mu_);
    running_ = false;
    ended_.SignalAll();
    return;
  }
}

}  // namespace varve::http
