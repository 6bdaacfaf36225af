#include "query/query_registry.h"

#include "base/status.h"

namespace varve::query {

absl::StatusOr<QueryRegistry::Ticket> QueryRegistry::Attach(std::string text,
                                                            std::string database) {
  auto running = std::make_shared<Running>();
  running->text = std::move(text);
  running->database = std::move(database);
  running->start_ns = env_.MonotonicNs();
  absl::MutexLock lock(&mu_);
  if (max_ > 0 && running_.size() >= max_) {
    return base::ResourceExhausted("max-concurrent-queries limit exceeded(", running_.size(), ", ",
                                   max_, ")");
  }
  running->id = next_id_++;
  running_.emplace(running->id, running);
  return Ticket(*this, std::move(running));
}

void QueryRegistry::Detach(uint64_t id) {
  absl::MutexLock lock(&mu_);
  running_.erase(id);
}

absl::Status QueryRegistry::Kill(uint64_t id) {
  absl::MutexLock lock(&mu_);
  const auto it = running_.find(id);
  if (it == running_.end()) return base::NotFound("no such query id: ", id);
  if (it->second->killed.exchange(true)) return base::InvalidArgument("already killed: ", id);
  return absl::OkStatus();
}

std::vector<std::shared_ptr<const QueryRegistry::Running>> QueryRegistry::List() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::shared_ptr<const Running>> list;
  for (const auto& [id, running] : running_) list.push_back(running);
  return list;
}

}  // namespace varve::query
