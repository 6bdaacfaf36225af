// Where a point belongs: asked by the engine, answered by meta, wired together by the server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/types.h"

namespace varve::model {

// A measurement that is kept for less time than its policy.
struct MeasurementDuration {
  std::string measurement;
  int64_t duration_ns = 0;
  friend bool operator==(const MeasurementDuration&, const MeasurementDuration&) = default;
};

// A database and retention policy, found by name.
struct WriteTarget {
  DatabaseId database = kNoId;
  std::string database_name;
  std::string policy_name;
  int64_t duration_ns = 0;  // how long the policy keeps points; 0: for ever
  // Which points the policy takes at all: how far from now they may be; 0: any. FUTURE LIMIT and
  // PAST LIMIT of InfluxDB 1.12.
  int64_t future_limit_ns = 0;
  int64_t past_limit_ns = 0;
  std::shared_ptr<const std::vector<MeasurementDuration>> measurements;  // null: none
};

// One shard: a slice of time of one retention policy.
struct ShardRoute {
  ShardId shard = 0;
  TimeRange range;  // every time the shard holds
};

// Thread safety: every method may be called from any thread.
class ShardRouter {
 public:
  virtual ~ShardRouter() = default;

  // `policy` empty: the database's default policy. NOT_FOUND with InfluxDB's words
  // ("database not found: \"x\"", "retention policy not found: x").
  virtual absl::StatusOr<WriteTarget> FindTarget(std::string_view database,
                                                 std::string_view policy) = 0;

  // The shard that holds `time_ns`, created (durably) when there is none. Whether the point is
  // beyond retention, or outside of the limits, is the caller's to decide.
  virtual absl::StatusOr<ShardRoute> RouteShard(const WriteTarget& target, int64_t time_ns) = 0;
};

}  // namespace varve::model
