// The store behind store.h. Its methods are spread over files by verb: store.cc (open, views,
// drops), apply.cc (the log's side), write_path.cc, delete_path.cc, background.cc, forget.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "engine/damage_list.h"
#include "engine/database_state.h"
#include "engine/disk_space.h"
#include "engine/line_source.h"
#include "engine/options.h"
#include "engine/rate_limiter.h"
#include "engine/records.h"
#include "engine/store.h"
#include "engine/write_session.h"
#include "model/shard_router.h"
#include "wal/log.h"

namespace varve::engine {

// Lock order: docs/architecture.md, "Locks".
class StoreImpl final : public Store {
 public:
  StoreImpl(base::Env& env, StoreOptions options, model::ShardRouter& router);
  ~StoreImpl() override;

  absl::Status Start(std::vector<KnownShard> known);

  void Write(const WriteRequest& request, WriteDone done) override;
  WriteResult WriteAndWait(const WriteRequest& request) override;
  WriteResult WritePoints(std::string_view database, std::string_view retention_policy,
                          const std::vector<Point>& points) override;
  absl::Status Delete(const DeleteRequest& request) override;
  absl::Status DropShard(model::DatabaseId database, model::ShardId shard) override;
  absl::Status DropDatabase(model::DatabaseId database) override;
  absl::StatusOr<std::shared_ptr<const ReadView>> OpenView(
      model::DatabaseId database, const std::vector<KnownShard>& shards) override;
  absl::Status Flush(bool compact) override;
  absl::Status TryRecover() override;
  std::string MeasurementName(model::DatabaseId database,
                              model::MeasurementId measurement) const override;
  std::vector<ShardStatus> Shards() const override;
  std::vector<DatabaseStatus> DatabaseStatuses() const override;
  StoreStatus Status() const override;

 private:
  struct PendingWrite;

  // --- store.cc
  absl::Status OpenFolders(const std::vector<KnownShard>& known);
  // OK, too, when the database is damaged: it is left alone then, see damaged_.
  absl::Status OpenKnownDatabase(model::DatabaseId id);
  std::shared_ptr<DatabaseState> FindDatabase(model::DatabaseId id) const;
  // OK, or why nothing of the database can be read.
  absl::Status DamageOf(model::DatabaseId id) const ABSL_LOCKS_EXCLUDED(databases_mu_);
  absl::StatusOr<std::shared_ptr<DatabaseState>> OpenDatabase(model::DatabaseId id)
      ABSL_LOCKS_EXCLUDED(open_mu_);
  std::vector<std::shared_ptr<DatabaseState>> Databases() const;
  std::vector<std::shared_ptr<Shard>> AllShards() const;

  // --- apply.cc: on the log thread, or, in replay, on the thread that opens the store.
  void Apply(const wal::Record& record);
  absl::Status ApplyRecord(const wal::Record& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  absl::Status ApplyBatch(const wal::Record& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  absl::Status ApplyDefinitions(const wal::Record& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  absl::Status ApplyDelete(const wal::Record& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  // The database a record names; null when it was dropped since, or is damaged.
  std::shared_ptr<DatabaseState> DatabaseOf(model::DatabaseId id, wal::Lsn lsn)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  // The shard a record names; null when it was dropped since.
  std::shared_ptr<Shard> ShardOf(DatabaseState& database, model::ShardId shard);
  // A delete of points; whole series are dropped on purpose.
  void NoteLateDelete(DatabaseState& database, const Shard& shard, model::TimeRange range,
                      const std::vector<model::SeriesId>& series);
  void FlushDuringReplay() ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);

  // --- write_path.cc
  void WriteLines(std::string_view database, std::string_view policy, int64_t now_ns,
                  LineSource& lines, WriteDone done);
  // Tells of a request of which nothing is taken.
  void Refuse(const WriteDone& done, absl::Status status);
  absl::Status Admit();
  absl::StatusOr<int64_t> ReserveCache(size_t bytes);
  void LogBatch(WriteSession& session, WriteDone done);
  std::unique_ptr<WriteSession> TakeSession() ABSL_LOCKS_EXCLUDED(sessions_mu_);
  void ReturnSession(std::unique_ptr<WriteSession> session) ABSL_LOCKS_EXCLUDED(sessions_mu_);

  // --- delete_path.cc
  absl::Status RemoveEmptySeries(const DeleteRecord& record, wal::Lsn lsn);

  // --- forget.cc
  // Begins or goes on with having the databases forget the series that are in no shard.
  absl::Status ForgetSeries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(round_mu_);
  absl::Status ForgetSeriesOf(DatabaseState& database) ABSL_EXCLUSIVE_LOCKS_REQUIRED(round_mu_);

  // --- background.cc
  void StartBackground();
  void StopBackground();
  void RunFlusher();
  void RunCompactor();
  void WakeFlusher();
  void WakeCompactor();
  // Freezes the caches that are large, cold, or in the way of others.
  void FreezeDue();
  // The LSN up to which shards must be flushed because the log is too long; 0: it is not.
  wal::Lsn FlushThrough(const std::vector<std::shared_ptr<Shard>>& shards) const;
  void FlushFrozen();
  absl::Status FlushShard(Shard& shard);
  // Merges once where a shard needs it; true when something was merged.
  bool CompactOne();
  absl::Status CompactShard(Shard& shard, const CompactionOptions& options, bool* merged);
  // Likewise for rollups, where nothing needs a merge.
  bool RollUpOne();
  absl::Status RollUpShard(Shard& shard, bool* made);
  absl::Status TruncateLog();
  void NoteBackground(const absl::Status& status) ABSL_LOCKS_EXCLUDED(status_mu_);

  base::Env& env_;
  const StoreOptions options_;
  model::ShardRouter& router_;
  mutable DiskSpace space_;
  RateLimiter compaction_rate_;

  const ByteTotal cache_bytes_ = std::make_shared<std::atomic<int64_t>>(0);  // of all arenas
  std::atomic<int64_t> reserved_bytes_{0};    // for batches on their way through the log
  std::atomic<int64_t> cache_full_at_ns_{0};  // when it last refused a write; 0: never
  ActivityCounters activity_;
  std::atomic<uint64_t> rollups_{0};
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> writes_refused_{0};
  std::atomic<uint64_t> points_written_{0};
  std::atomic<uint64_t> values_written_{0};
  std::atomic<uint64_t> points_dropped_{0};
  std::atomic<bool> stop_compaction_{false};

  // Held while a record is applied and while a view is opened or a cache frozen, so that each sees
  // whole records.
  mutable absl::Mutex apply_mu_;
  wal::Lsn applied_lsn_ ABSL_GUARDED_BY(apply_mu_) = 0;
  bool replaying_ ABSL_GUARDED_BY(apply_mu_) = false;
  absl::Status replay_error_ ABSL_GUARDED_BY(apply_mu_);
  wal::Lsn first_unapplied_ ABSL_GUARDED_BY(apply_mu_) = 0;  // of a damaged database; 0: none
  absl::flat_hash_map<model::ShardId, KnownShard> known_ ABSL_GUARDED_BY(apply_mu_);  // in replay

  absl::Mutex open_mu_;  // held while a database is opened or dropped; before databases_mu_
  absl::flat_hash_set<model::DatabaseId> dropped_databases_ ABSL_GUARDED_BY(open_mu_);
  mutable absl::Mutex databases_mu_;
  absl::flat_hash_map<model::DatabaseId, std::shared_ptr<DatabaseState>> databases_
      ABSL_GUARDED_BY(databases_mu_);
  absl::flat_hash_map<model::DatabaseId, absl::Status> damaged_ ABSL_GUARDED_BY(databases_mu_);

  absl::Mutex sessions_mu_;
  std::vector<std::unique_ptr<WriteSession>> sessions_ ABSL_GUARDED_BY(sessions_mu_);

  const std::shared_ptr<DamageList> damage_;

  mutable absl::Mutex status_mu_;
  absl::Status last_background_error_ ABSL_GUARDED_BY(status_mu_);

  absl::Mutex background_mu_;
  absl::CondVar flusher_;    // flush_wanted_ or stopping_
  absl::CondVar compactor_;  // compact_wanted_ or stopping_
  bool stopping_ ABSL_GUARDED_BY(background_mu_) = false;
  bool flush_wanted_ ABSL_GUARDED_BY(background_mu_) = false;
  bool compact_wanted_ ABSL_GUARDED_BY(background_mu_) = false;
  std::atomic<bool> flush_asked_{false};  // so that the log thread wakes the flusher once
  absl::Mutex round_mu_;                  // held by the one who flushes or truncates; first of all
  std::vector<std::thread> threads_;

  std::unique_ptr<wal::Log> log_;  // last: it applies records until it is gone
};

}  // namespace varve::engine
