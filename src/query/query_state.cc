#include "query/query_state.h"

#include <utility>

#include "base/status.h"

namespace varve::query {

absl::Status QueryState::Check() const {
  return context_.interrupted ? context_.interrupted() : absl::OkStatus();
}

void QueryState::GiveBackThread() {
  if (context_.thread != nullptr) context_.thread->GiveBack();
}

void QueryState::ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  // What is done soon is not worth waking others for.
  size_t done = 0;
  while (done < n && context_.thread != nullptr && context_.thread->GoesOn()) body(done++);
  context_.environment->workers->ParallelFor(n - done, [&](size_t i) { body(done + i); });
}

absl::Status QueryState::AddSeries(uint64_t n) {
  const uint64_t limit = context_.environment->limits.max_select_series;
  const uint64_t now = series_.fetch_add(n) + n;
  if (limit == 0 || now <= limit) return absl::OkStatus();
  return base::ResourceExhausted("max-select-series limit exceeded: (", now, "/", limit, ")");
}

absl::Status QueryState::AddPoints(uint64_t n) {
  const uint64_t limit = context_.environment->limits.max_select_points;
  const uint64_t now = points_.fetch_add(n) + n;
  if (limit == 0 || now <= limit) return absl::OkStatus();
  return base::ResourceExhausted("max-select-point limit exceeed: (", now, "/", limit, ")");
}

absl::Status QueryState::Reserve(size_t bytes) {
  const uint64_t limit = context_.environment->limits.memory_bytes;
  const size_t now = bytes_.fetch_add(bytes) + bytes;
  if (limit == 0 || now <= limit) return absl::OkStatus();
  bytes_.fetch_sub(bytes);
  return MemoryLimitExceeded(now, limit);
}

absl::Status MemoryLimitExceeded(uint64_t bytes, uint64_t limit) {
  return base::ResourceExhausted("query memory limit exceeded: (", bytes, "/", limit, " bytes)");
}

void QueryState::AddCounters(const engine::ScanCounters& scan) {
  rows_scanned_.fetch_add(scan.rows);
  blocks_decoded_.fetch_add(scan.blocks_decoded);
  blocks_from_statistics_.fetch_add(scan.blocks_from_statistics);
  hours_from_rollups_.fetch_add(scan.hours_from_rollups);
  blocks_left_out_.fetch_add(scan.blocks_left_out);
  block_bytes_.fetch_add(scan.block_bytes);
}

const SelectCounters QueryState::counters() const {
  return {.series = series_.load(),
          .rows_scanned = rows_scanned_.load(),
          .rows_returned = rows_returned_.load(),
          .blocks_decoded = blocks_decoded_.load(),
          .blocks_from_statistics = blocks_from_statistics_.load(),
          .hours_from_rollups = hours_from_rollups_.load(),
          .blocks_left_out = blocks_left_out_.load(),
          .block_bytes = block_bytes_.load()};
}

void QueryState::PublishCounters() const {
  if (context_.counters != nullptr) *context_.counters = counters();
}

absl::StatusOr<PolicyName> QueryState::Resolve(const Measurement& measurement) const {
  PolicyName name{measurement.database, measurement.retention_policy};
  if (name.database.empty()) name.database = context_.database;
  if (name.policy.empty()) name.policy = context_.retention_policy;
  if (name.database.empty()) return base::InvalidArgument("database name required");
  const auto catalog = context_.environment->catalog->Get();
  const meta::Database* database = catalog->FindDatabase(name.database);
  if (database == nullptr) return base::NotFound("database not found: ", name.database);
  if (name.policy.empty()) name.policy = database->default_policy;
  if (database->FindPolicy(name.policy) == nullptr) {
    return base::NotFound("retention policy not found: ", name.policy);
  }
  return name;
}

std::vector<model::TimeRange> QueryState::ShardRanges(const PolicyName& name) const {
  std::vector<model::TimeRange> ranges;
  const auto catalog = context_.environment->catalog->Get();
  const meta::Database* database = catalog->FindDatabase(name.database);
  const meta::RetentionPolicy* policy =
      database != nullptr ? database->FindPolicy(name.policy) : nullptr;
  if (policy == nullptr) return ranges;
  for (const meta::ShardGroup& group : policy->shard_groups) ranges.push_back(group.range);
  return ranges;
}

absl::StatusOr<std::shared_ptr<const engine::ReadView>> QueryState::View(const PolicyName& name,
                                                                         const TimeRanges& ranges) {
  const auto catalog = context_.environment->catalog->Get();
  const meta::Database* database = catalog->FindDatabase(name.database);
  if (database == nullptr) return base::NotFound("database not found: ", name.database);
  const meta::RetentionPolicy* policy = database->FindPolicy(name.policy);
  if (policy == nullptr) return base::NotFound("retention policy not found: ", name.policy);
  std::vector<engine::KnownShard> shards;
  std::vector<model::ShardId> ids;
  for (const meta::ShardGroup& group : policy->shard_groups) {
    if (!Overlaps(ranges, group.range)) continue;
    shards.push_back({database->id, group.shard, group.range});
    ids.push_back(group.shard);
  }
  absl::MutexLock lock(&mu_);
  auto& view = views_[{name, std::move(ids)}];
  if (view == nullptr) {
    ASSIGN_OR_RETURN(view, context_.environment->store->OpenView(database->id, shards));
  }
  return view;
}

absl::StatusOr<std::shared_ptr<const engine::ReadView>> QueryState::WholeView(
    const std::string& name) {
  absl::MutexLock lock(&mu_);
  // No policy is called "".
  auto& view = views_[{PolicyName{name, ""}, {}}];
  if (view != nullptr) return view;
  const auto catalog = context_.environment->catalog->Get();
  const meta::Database* database = catalog->FindDatabase(name);
  if (database == nullptr) return base::NotFound("database not found: ", name);
  std::vector<engine::KnownShard> shards;
  for (const meta::RetentionPolicy& policy : database->policies) {
    for (const meta::ShardGroup& group : policy.shard_groups) {
      shards.push_back({database->id, group.shard, group.range});
    }
  }
  ASSIGN_OR_RETURN(view, context_.environment->store->OpenView(database->id, shards));
  return view;
}

}  // namespace varve::query
