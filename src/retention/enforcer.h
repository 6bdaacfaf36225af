// Retention: shards whose whole time is older than their policy keeps are dropped.
//
// As InfluxDB does it: a shard goes when its end is further back than its policy's duration, which
// is asked every check interval; the duration a policy has now counts for the shards it has
// already. Besides, it is asked right after the catalog changes. By which clock: expiry_clock.h.
//
// Beyond InfluxDB a measurement may be kept for less time than its policy. Its points are deleted,
// a step of time at a time, so that there are few tombstones.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "model/types.h"
#include "query/executor.h"
#include "retention/expiry_clock.h"

namespace varve::retention {

// A shard that has expired.
struct ExpiredShard {
  std::string database_name;
  std::string policy_name;
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
  model::TimeRange range;
  uint64_t bytes = 0;  // of its files, when it was dropped
};

// The shards of `catalog` that have expired at `now_ns`, in the catalog's order.
std::vector<ExpiredShard> ExpiredShards(const meta::CatalogData& catalog, int64_t now_ns);

// Points of a measurement that is kept for less time than its policy, and have expired.
struct ExpiredPoints {
  std::string database_name;
  std::string policy_name;
  std::string measurement;
  int64_t before_ns = 0;
};

struct EnforcerStatus {
  uint64_t shards_dropped = 0;
  uint64_t bytes_dropped = 0;
  uint64_t checks = 0;
  uint64_t failures = 0;
  int64_t last_check_ns = 0;  // wall clock; 0: none yet
  int64_t last_drop_ns = 0;
  std::string last_error;      // of the last check; empty when it went well
  int64_t clock_doubt_ns = 0;  // how far the wall clock is ahead of the one that data expires by
};

// Thread safety: every method may be called from any thread.
class Enforcer {
 public:
  struct Environment {
    base::Env* env = nullptr;
    meta::Catalog* catalog = nullptr;
    engine::Store* store = nullptr;
    std::string folder;  // where the file RETENTION is kept
    int64_t check_interval_ns = 30 * 60 * int64_t{1'000'000'000};
    // Told of each shard that was dropped, of points deleted, of what went wrong; may be empty.
    std::function<void(const ExpiredShard&)> on_dropped;
    std::function<void(const ExpiredPoints&)> on_deleted;
    std::function<void(const absl::Status&)> on_error;
  };
  // A damaged RETENTION is told to on_error and begun anew; only what cannot be read at all fails
  // this. What `environment` points to outlives the enforcer.
  static absl::StatusOr<std::unique_ptr<Enforcer>> Open(Environment environment);

  // To be called every second or so: reads the clocks, and enforces when it is time to.
  void Tick() ABSL_LOCKS_EXCLUDED(mu_);
  // Drops what has expired now. What could not be dropped is tried again by the next call.
  absl::Status Enforce() ABSL_LOCKS_EXCLUDED(mu_);

  // The end (excluded) of the latest shard of a policy that has ever been dropped for its age: what
  // lies before it may be incomplete. Absent: none was.
  std::optional<int64_t> DroppedThrough(model::DatabaseId database, const std::string& policy) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The time before which points of a measurement may have been deleted for their age, the latest
  // of the policy's measurements for which `of` holds. Absent: of none were any.
  std::optional<int64_t> DeletedThrough(
      model::DatabaseId database, const std::string& policy,
      const std::function<bool(const std::string& measurement)>& of) const ABSL_LOCKS_EXCLUDED(mu_);
  // Calls `read` at a time when no shard is being dropped, from the look at DroppedThrough() to the
  // last row. Several may read at once.
  void WithoutDrops(const std::function<void()>& read) const ABSL_LOCKS_EXCLUDED(drop_mu_);
  EnforcerStatus Status() const ABSL_LOCKS_EXCLUDED(mu_);
  // The shards dropped since the start, at most the last kRecentDrops, oldest first.
  static constexpr size_t kRecentDrops = 100;
  std::vector<query::DroppedShard> RecentDrops() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using PolicyKey = std::pair<model::DatabaseId, std::string>;
  using MeasurementKey = std::pair<PolicyKey, std::string>;
  struct Deleted {
    int64_t cleared_ns = model::kMinTimeNs;  // before it points were deleted last
    int64_t through_ns = model::kMinTimeNs;  // the latest that it has ever been
    int64_t duration_ns = 0;                 // by which; 0: it is kept as long as the policy says
  };

  explicit Enforcer(Environment environment) : environment_(std::move(environment)) {}
  std::string path() const;
  absl::Status Load();
  absl::Status Save() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status EnforceLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Drop(std::vector<ExpiredShard> expired) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Deletes the points that have expired for their measurement alone.
  absl::Status DeletePoints(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  struct Deletion {
    MeasurementKey key;
    ExpiredPoints points;
    int64_t duration_ns = 0;
    engine::DeleteRequest request;
  };
  std::vector<Deletion> PlanDeletions(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status RemoveDropped() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t ReadClock() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mu_) ABSL_LOCKS_EXCLUDED(mu_);

  const Environment environment_;

  absl::Mutex work_mu_;  // one round at a time; held across system calls
  std::unique_ptr<ExpiryClock> clock_ ABSL_GUARDED_BY(work_mu_);
  bool checked_ ABSL_GUARDED_BY(work_mu_) = false;
  int64_t checked_at_ns_ ABSL_GUARDED_BY(work_mu_) = 0;  // monotonic
  uint64_t checked_version_ ABSL_GUARDED_BY(work_mu_) = 0;
  std::vector<ExpiredShard> dropped_ ABSL_GUARDED_BY(work_mu_);  // their files may still be there

  mutable absl::Mutex drop_mu_;  // written to drop, after work_mu_; read in WithoutDrops()

  mutable absl::Mutex mu_;
  std::map<PolicyKey, int64_t> dropped_through_ ABSL_GUARDED_BY(mu_);
  std::map<MeasurementKey, Deleted> deleted_ ABSL_GUARDED_BY(mu_);
  EnforcerStatus status_ ABSL_GUARDED_BY(mu_);
  std::deque<query::DroppedShard> recent_drops_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::retention
