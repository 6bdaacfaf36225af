// The one table of what the server tells of itself.
//
// A group is a measurement of `_internal`, a block of SHOW STATS and an entry of /debug/vars, with
// InfluxDB's names where InfluxDB has the same; a statistic is a field of it, and may be a metric
// of /metrics. docs/monitoring.md prints the table, and a test compares.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/server_state.h"

namespace varve::http {

// What a row of a group tells of. Only what belongs to the group's scope is set.
struct StatisticItem {
  const ServerState* state = nullptr;
  const DatabaseState* database = nullptr;
  const ShardState* shard = nullptr;
  const query::ContinuousQueryStatus* query = nullptr;
  const LatencyState* latency = nullptr;
  const AnswerCount* answer = nullptr;
};

// How many rows a group has.
enum class StatisticScope : uint8_t {
  kServer,
  kRetention,  // one, when retention is enforced
  kQueries,    // one, when continuous queries are run
  kMonitor,    // one, when the statistics are stored
  kDatabase,   // one each
  kShard,
  kQuery,  // one each, with query-stats-enabled
  kOperation,
  kAnswer,  // one for each status code that was given
};

enum class StatisticKind : uint8_t { kCounter, kGauge };

struct StatisticTag {
  std::string_view name;
  std::string_view label;  // in /metrics; empty: not there
  std::string (*value)(const StatisticItem&);
};

struct Statistic {
  std::string_view name;
  StatisticKind kind;
  std::string_view metric;  // empty: not in /metrics
  int64_t divisor;          // what the value is divided by for the metric: 1e9 makes seconds
  std::string_view help;
  int64_t (*value)(const StatisticItem&);
};

struct StatisticGroup {
  std::string_view name;
  StatisticScope scope;
  std::string_view help;
  std::vector<StatisticTag> tags;  // ascending by name
  std::vector<Statistic> statistics;
};

const std::vector<StatisticGroup>& StatisticGroups();

// The rows of a group.
std::vector<StatisticItem> ItemsOf(const StatisticGroup& group, const ServerState& state);

// The table as docs/monitoring.md has it, from "## The statistics" on.
std::string StatisticsMarkdown();

// The parts of the table.
std::vector<StatisticGroup> RequestStatistics();  // httpd, queryExecutor, ...
std::vector<StatisticGroup> StoreStatistics();    // write, database, shard, tsm1_*, ...
std::vector<StatisticGroup> ServiceStatistics();  // cq, varve_retention, runtime, ...

}  // namespace varve::http
