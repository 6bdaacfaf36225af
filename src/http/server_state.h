// All that the statistics are taken from, read at one moment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/latency_histogram.h"
#include "engine/store.h"
#include "http/process_status.h"
#include "http/services.h"
#include "query/continuous_queries.h"
#include "retention/enforcer.h"

namespace varve::http {

struct DatabaseState {
  std::string name;
  engine::DatabaseStatus status;
  uint64_t shards = 0;
  uint64_t disk_bytes = 0;
  uint64_t cache_bytes = 0;
};

struct ShardState {
  std::string database;
  std::string policy;
  engine::ShardStatus status;
};

// How long an operation takes.
struct LatencyState {
  std::string_view operation;
  std::string_view metric;  // of the histogram in /metrics
  std::string_view help;
  base::LatencyCounts all;
  base::LatencyCounts recent;  // of the last minute or two
};

struct AnswerCount {
  size_t code = 0;
  uint64_t count = 0;
};

struct ServerState {
  const Services* services = nullptr;
  int64_t now_ns = 0;  // wall clock
  ProcessStatus process;
  MonitorStatus monitor;
  engine::StoreStatus store;
  std::vector<DatabaseState> databases;  // in the catalog's order
  std::vector<ShardState> shards;
  uint64_t files = 0;  // of all shards
  uint64_t disk_bytes = 0;
  retention::EnforcerStatus retention;
  std::vector<query::ContinuousQueryStatus> queries;
  query::ContinuousQueryStatus queries_sum;  // of counts; lag_ns is the largest
  std::vector<LatencyState> latencies;
  std::vector<AnswerCount> answers;  // of the status codes that were given
};

ServerState ReadServerState(const Services& services);

}  // namespace varve::http
