#include "http/server_state.h"

#include <algorithm>
#include <map>
#include <utility>

namespace varve::http {
namespace {

// Databases and shards as the catalog knows them, with what the store says of them. What the
// catalog no longer names is being dropped, and left out.
void AddData(ServerState* state) {
  std::map<model::DatabaseId, engine::DatabaseStatus> databases;
  for (const engine::DatabaseStatus& database : state->services->store->DatabaseStatuses()) {
    databases[database.database] = database;
  }
  std::map<model::ShardId, engine::ShardStatus> shards;
  for (engine::ShardStatus& shard : state->services->store->Shards()) {
    shards[shard.shard] = std::move(shard);
  }
  for (const meta::Database& known : state->services->catalog->Get()->databases) {
    DatabaseState database;
    database.name = known.name;
    database.status = databases[known.id];
    for (const meta::RetentionPolicy& policy : known.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        const auto shard = shards.find(group.shard);
        if (shard == shards.end()) continue;
        ++database.shards;
        database.disk_bytes += shard->second.disk_bytes;
        database.cache_bytes += shard->second.cache_bytes;
        state->files += shard->second.files;
        state->shards.push_back({known.name, policy.name, std::move(shard->second)});
      }
    }
    state->disk_bytes += database.disk_bytes;
    state->databases.push_back(std::move(database));
  }
}

void AddQueries(ServerState* state) {
  state->queries = state->services->continuous_queries->Status();
  query::ContinuousQueryStatus& sum = state->queries_sum;
  for (const query::ContinuousQueryStatus& query : state->queries) {
    sum.runs += query.runs;
    sum.errors += query.errors;
    sum.points_written += query.points_written;
    sum.windows_recomputed += query.windows_recomputed;
    sum.windows_pending += query.windows_pending;
    sum.lag_ns = std::max(sum.lag_ns, query.lag_ns);
  }
}

}  // namespace

ServerState ReadServerState(const Services& services) {
  ServerState state;
  state.services = &services;
  state.now_ns = services.env->NowNs();
  state.process = ReadProcessStatus();
  if (services.monitor) state.monitor = services.monitor();
  state.store = services.store->Status();
  AddData(&state);
  if (services.enforcer != nullptr) state.retention = services.enforcer->Status();
  if (services.continuous_queries != nullptr) AddQueries(&state);

  Metrics& metrics = *services.metrics;
  const int64_t monotonic_ns = services.env->MonotonicNs();
  state.latencies = {
      {"query", "varve_query_duration_seconds",
       "Time from the start of a query to the end of its answer.", metrics.query_latency.All(),
       metrics.query_latency.Recent(monotonic_ns)},
      {"sync", "varve_wal_sync_duration_seconds", "Time of an fdatasync of the log.",
       state.store.wal.syncs, state.store.wal.recent_syncs},
      {"write", "varve_write_duration_seconds", "Time from a write's header to its answer.",
       metrics.write_latency.All(), metrics.write_latency.Recent(monotonic_ns)},
  };
  for (size_t code = 0; code < metrics.answers.size(); ++code) {
    const uint64_t count = metrics.answers[code].load(std::memory_order_relaxed);
    if (count != 0) state.answers.push_back({code, count});
  }
  return state;
}

}  // namespace varve::http
