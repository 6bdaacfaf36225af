// Runs continuous queries: when InfluxDB would, and again where that was not enough.
//
// Beyond InfluxDB:
//  - The last run of each query is kept on disk, so a run covers what was missed while the server
//    was down, or while the query failed.
//  - Points that are written, changed or deleted behind a query's last run (engine/late_writes.h)
//    mark their windows, and just those are computed again, a few seconds later. A query that
//    feeds itself, directly or through others, is left out: it would never end.
//  - A window is never computed again from what is left of it after retention dropped a shard.
//  - Queries that feed each other run in that order.
//  - A run that failed is tried again, after a pause that doubles from a second to five minutes.
//  - A window whose points have all been deleted loses what the query had stored of them, where it
//    is certain that it was this query (stale_points.h).
// A run only writes points, as SELECT INTO does, so running it twice changes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "engine/late_writes.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "query/continuous_queries.h"
#include "query/executor.h"
#include "retention/enforcer.h"
#include "retention/progress.h"
#include "retention/query_plan.h"
#include "retention/stale_points.h"

namespace varve::retention {

// A run that ended well, for the log.
struct QueryRun {
  std::string database;
  std::string name;
  Span span;
  bool again = false;  // windows that had been computed before
  uint64_t points_written = 0;
  int64_t duration_ns = 0;
};

struct QueryError {
  std::string database;
  std::string name;
  absl::Status status;
};

// Thread safety: every method may be called from any thread, but Attach(), which comes first.
class ContinuousQueryService final : public query::ContinuousQueries {
 public:
  struct Options {
    std::string folder;                                        // where the file CONTINUOUS is kept
    int64_t recompute_pause_ns = 10 * int64_t{1'000'000'000};  // between two recomputations
    std::function<void(const QueryRun&)> on_run;               // may be empty
    std::function<void(const QueryError&)> on_error;  // may be empty; a name may be empty, too
  };

  // Reads how far the queries of `catalog` have come and sets the marks of `late_writes`: to be
  // called before the store is opened, whose replay they are for. A damaged file is told to
  // on_error and begun anew. All arguments outlive the service.
  static absl::StatusOr<std::unique_ptr<ContinuousQueryService>> Open(
      base::Env& env, meta::Catalog& catalog, std::shared_ptr<engine::LateWrites> late_writes,
      Options options);
  // `enforcer` may be null.
  void Attach(engine::Store& store, query::Executor& executor, const Enforcer* enforcer);

  // Runs what is due; to be called every run interval.
  void Tick() ABSL_LOCKS_EXCLUDED(work_mu_, mu_);
  // Lets a running Tick() or Backfill() end soon, and every later one at once.
  void Stop() { stopping_ = true; }
  // What StoreOptions::before_truncate asks for.
  absl::Status SaveNotes() ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<query::ContinuousQueryStatus> Status() const override ABSL_LOCKS_EXCLUDED(mu_);
  std::function<void()> BeforeDelete(const query::DeletedPoints& points,
                                     const Reader& read) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<query::BackfillResult> Backfill(const std::string& database,
                                                 const std::string& name, int64_t from_ns,
                                                 int64_t to_ns, const Runner& run) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A query of the catalog with what is known of it while the server runs.
  struct Entry {
    model::DatabaseId database = model::kNoId;
    std::shared_ptr<const QueryPlan> plan;  // null: it can never run, `error` says why
    bool tracked = false;                   // late points mark its windows
    std::optional<int64_t> threshold;       // points before it mark windows
    TimeRanges computing;                   // taken from `pending`, not known to have gone well
    StaleCandidates stale;                  // to be taken away if their windows give nothing now
    int64_t recompute_at_ns = 0;            // monotonic; not before
    int64_t retry_at_ns = 0;                // monotonic
    int64_t retry_pause_ns = 0;
    query::ContinuousQueryStatus status;
  };

  ContinuousQueryService(base::Env& env, meta::Catalog& catalog,
                         std::shared_ptr<engine::LateWrites> late_writes, Options options);
  std::string path() const;
  absl::Status Load() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status SaveLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Follows the catalog.
  void SyncEntries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OrderEntries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void UpdateWatches() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Turns notes of late writes into windows to be computed again.
  void TakeNotes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MarkWindows(const engine::LateWrites::Note& note, const std::string& database,
                   const std::string& policy, const std::string& measurement)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void RunDue(const QueryKey& key) ABSL_LOCKS_EXCLUDED(mu_);
  void RunPending(const QueryKey& key) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status RunCatchUp(const QueryKey& key, const QueryPlan& plan, Span span)
      ABSL_LOCKS_EXCLUDED(mu_);
  // deleted_points.cc
  struct ReadingPlan {
    QueryKey key;
    std::shared_ptr<const QueryPlan> plan;
    int64_t threshold = 0;
  };
  std::vector<ReadingPlan> PlansOf(const query::DeletedPoints& points)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether a point of the plan's target may be told to be its own.
  bool OwnsTarget(const QueryPlan& plan) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  StaleCandidates ReadCandidates(const ReadingPlan& reading, const query::DeletedPoints& points,
                                 const Reader& read) const;
  absl::Status RemoveStale(const QueryKey& key) ABSL_LOCKS_EXCLUDED(mu_, target_mu_);
  absl::Status RemoveStale(const QueryPlan& plan, Span piece, StaleCandidates candidates)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(target_mu_);
  absl::Status RunText(const std::string& database, std::string text, query::ResultSink& sink);
  absl::Status ReadText(const query::SelectStatement& statement, PointSink& sink);

  absl::StatusOr<uint64_t> RunPiece(const QueryPlan& plan, Span span, bool again,
                                    const Runner& run);
  absl::StatusOr<uint64_t> RunStatement(const std::string& database,
                                        const query::SelectStatement& statement);
  void NoteResult(const QueryKey& key, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // `span` without what retention has taken from the sources, or what they never held.
  Span Complete(const QueryPlan& plan, Span span) const;

  base::Env& env_;
  meta::Catalog& catalog_;
  const std::shared_ptr<engine::LateWrites> late_writes_;
  const Options options_;
  engine::Store* store_ = nullptr;
  query::Executor* executor_ = nullptr;
  const Enforcer* enforcer_ = nullptr;
  std::atomic<bool> stopping_{false};

  absl::Mutex work_mu_;  // held for a whole Tick()
  // After it: read while a backfill writes a piece, written while stale points are told and
  // removed, so that what is written is not taken for what had been there.
  absl::Mutex target_mu_;

  mutable absl::Mutex mu_;  // held for file writes, never for queries
  uint64_t synced_version_ ABSL_GUARDED_BY(mu_) = 0;
  bool synced_ ABSL_GUARDED_BY(mu_) = false;
  std::map<QueryKey, Entry> entries_ ABSL_GUARDED_BY(mu_);
  std::vector<QueryKey> order_ ABSL_GUARDED_BY(mu_);  // in which they run
  std::vector<QueryKey> shown_ ABSL_GUARDED_BY(mu_);  // as the catalog has them
  // Which policy a shard belongs to.
  absl::flat_hash_map<model::ShardId, std::pair<std::string, std::string>> shards_
      ABSL_GUARDED_BY(mu_);
  ProgressMap progress_ ABSL_GUARDED_BY(mu_);
  std::string saved_ ABSL_GUARDED_BY(mu_);  // the body that is on disk
};

}  // namespace varve::retention
