// The requests that run now: SHOW QUERIES, KILL QUERY, timeouts and the limit on their number.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "query/executor.h"

namespace varve::query {

// Thread safety: every method may be called from any thread.
class QueryRegistry {
 public:
  // One request. Its creator outlives it.
  struct Running {
    uint64_t id = 0;
    std::string text;
    std::string database;
    int64_t start_ns = 0;  // of Env::MonotonicNs()
    std::atomic<bool> killed = false;
  };
  // Takes the request off the list when it goes.
  class Ticket {
   public:
    Ticket(QueryRegistry& registry, std::shared_ptr<Running> running)
        : registry_(&registry), running_(std::move(running)) {}
    Ticket(Ticket&& other) noexcept
        : registry_(other.registry_), running_(std::move(other.running_)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (running_ != nullptr) registry_->Detach(running_->id);
    }
    const Running& running() const { return *running_; }

   private:
    QueryRegistry* registry_;
    std::shared_ptr<Running> running_;
  };

  QueryRegistry(base::Env& env, size_t concurrent_max) : env_(env), max_(concurrent_max) {}

  // RESOURCE_EXHAUSTED with InfluxDB's text when as many run as may.
  absl::StatusOr<Ticket> Attach(std::string text, std::string database) ABSL_LOCKS_EXCLUDED(mu_);
  // NOT_FOUND: "no such query id: N".
  absl::Status Kill(uint64_t id) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<std::shared_ptr<const Running>> List() const ABSL_LOCKS_EXCLUDED(mu_);  // by id
  int64_t AgeNs(const Running& running) const { return env_.MonotonicNs() - running.start_ns; }

 private:
  void Detach(uint64_t id) ABSL_LOCKS_EXCLUDED(mu_);

  base::Env& env_;
  const size_t max_;  // 0: no limit
  mutable absl::Mutex mu_;
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::shared_ptr<Running>> running_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::query
