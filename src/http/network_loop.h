// A loop of the network, and the thread that runs it now.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "http/query_threads.h"

namespace varve::http {

// Runs the handlers of some connections, one at a time, so that what belongs to them needs no lock.
// Which thread does may change: a handler whose work turns out to take long lets go of the loop,
// and another thread goes on with it. So work that is mostly short is done where it comes in,
// without a word to another thread, and none holds up other connections.
//
// Source: "Leader/Followers" in Schmidt et al., "Pattern-Oriented Software Architecture", volume 2,
// 2000; with the difference that a leader hands over when it must, not at every event.
class NetworkLoop {
 public:
  // Runs on `threads`, which outlive every handler.
  explicit NetworkLoop(QueryThreads& threads) : threads_(threads) {}
  ~NetworkLoop() { Stop(); }

  boost::asio::io_context& context() { return context_; }

  // Any thread.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);
  // Any thread but the loop's. Returns when nobody runs the loop any more; a handler that let go of
  // it may still be under way.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Any thread: whether it is the one that runs the loop.
  bool IsMine() const {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  // In a handler: has another thread run the loop from now on. The caller may go on for as long as
  // it likes, but owns nothing of the loop's any more.
  void LetGo();

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  QueryThreads& threads_;
  // Not told that it has one thread: then what a handler posts would wait for the handler's end,
  // also where that let go of the loop.
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      context_.get_executor()};
  std::atomic<std::thread::id> owner_{};  // nobody's between two threads
  absl::Mutex mu_;
  absl::CondVar ended_;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace varve::http
