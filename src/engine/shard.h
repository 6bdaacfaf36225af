// One shard: its caches, files, index and manifest, and what moves points from one to the next.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "base/published.h"
#include "engine/activity.h"
#include "engine/compaction_plan.h"
#include "engine/growing_array.h"
#include "engine/late_writes.h"
#include "engine/layout_table.h"
#include "engine/parts.h"
#include "engine/records.h"
#include "index/series_table.h"
#include "index/shard_index.h"
#include "model/types.h"
#include "model/write_batch.h"

namespace varve::engine {

// Which line layouts of the database are known to agree with a shard's field types: a bit each.
class ValidatedLayouts {
 public:
  bool Contains(uint32_t layout) const {
    const auto* word = words_.Find(layout / 64);
    return word != nullptr && ((word->load(std::memory_order_relaxed) >> (layout % 64)) & 1) != 0;
  }
  void Add(uint32_t layout) {
    words_.At(layout / 64).fetch_or(uint64_t{1} << (layout % 64), std::memory_order_relaxed);
  }

 private:
  GrowingArray<std::atomic<uint64_t>, 16> words_;
};

// A field whose type in a shard is not the one a line gives it.
struct FieldConflict {
  size_t raw_field = 0;  // index into LineLayout::raw
  model::FieldType existing = model::FieldType::kNone;
};

class RemainingRows;

// Thread safety: as each section says. "The apply lock" is the store's; holding it is what makes
// the caller the only one who applies records, freezes caches or opens views.
//
// Lock order: apply lock, flush_mu_, compact_mu_, manifest_mu_, mu_. No lock but flush_mu_,
// compact_mu_ and manifest_mu_ is held across a system call, and no writer or reader takes those.
class Shard {
 public:
  // Opens the shard in `folder`, creating it. Files that the manifest does not name are removed. A
  // damaged file or manifest does not fail this: see damage(). `env` and `table` must outlive the
  // shard. `cache_total`: see Arena.
  static absl::StatusOr<std::unique_ptr<Shard>> Open(base::Env& env, std::string folder,
                                                     KnownShard shard, index::SeriesTable& table,
                                                     ByteTotal cache_total);

  const KnownShard& known() const { return known_; }
  const std::string& folder() const { return folder_; }

  // --- Schema. Any thread.

  std::shared_ptr<ValidatedLayouts> validated() const ABSL_LOCKS_EXCLUDED(mu_);
  // Checks a layout against the field types of this shard and reserves those of its new fields;
  // with a conflict, reserves nothing unless the layout contradicts itself. False: `conflict` set.
  bool ReserveLayout(const LineLayout& layout, FieldConflict* conflict) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasSeries(model::SeriesId series) const { return index_->Contains(series); }
  std::shared_ptr<const index::ShardIndexView> IndexView() const { return index_->View(); }

  // --- Applying records, in LSN order, with the apply lock held. A record that is in the files
  // already is passed over.

  // Takes the rows of the batch's current section; tells `late` (may be null) of those behind its
  // mark, whether or not they are in the files.
  absl::Status ApplyRows(model::WriteBatchReader& batch, wal::Lsn lsn, LateWrites* late)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ApplyDelete(const DeleteRecord& record, const std::vector<model::SeriesId>& series,
                   wal::Lsn lsn) ABSL_LOCKS_EXCLUDED(mu_);
  void ApplyRemoveSeries(const RemoveSeriesRecord& record, wal::Lsn lsn) ABSL_LOCKS_EXCLUDED(mu_);
  void ApplySchema(const SchemaRecord& record, wal::Lsn lsn) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes what was applied up to `lsn` immutable, to be flushed; nothing to do when that is
  // nothing.
  void Freeze(wal::Lsn lsn) ABSL_LOCKS_EXCLUDED(mu_);
  ShardSnapshot Snapshot() const ABSL_LOCKS_EXCLUDED(mu_);
  // After replay: every record from here on is new.
  void EndReplay() ABSL_LOCKS_EXCLUDED(mu_);

  // --- Moving points to files. Any thread; one at a time works on a shard.

  // Writes the oldest frozen cache to a file and returns the file's bytes; nullopt when there is no
  // such cache. On an error nothing is lost and the next call tries again.
  absl::StatusOr<std::optional<uint64_t>> FlushOldest()
      ABSL_LOCKS_EXCLUDED(flush_mu_, manifest_mu_, mu_);

  // Called with the bytes read or written; may block to hold a rate, but not once `cancel` is set.
  using Throttle = std::function<void(uint64_t bytes, const std::atomic<bool>& cancel)>;
  std::vector<CompactionFile> CompactionFiles() const;
  // Merges the files of `plan`, made from CompactionFiles(), and returns the bytes of what they
  // became. CANCELLED: CancelCompaction() was called. Nothing is changed on an error.
  absl::StatusOr<uint64_t> Compact(const CompactionPlan& plan, const Throttle& throttle)
      ABSL_LOCKS_EXCLUDED(compact_mu_, manifest_mu_, mu_);

  // Makes the rollup of one settled file that has none; false when there is no such file. Errors as
  // of Compact(); a damaged file is not tried twice.
  absl::StatusOr<bool> RollUp(uint64_t rows_per_hour_min, const Throttle& throttle)
      ABSL_LOCKS_EXCLUDED(compact_mu_, mu_);

  // Ends a running compaction or rollup soon, and lets none begin.
  void CancelCompaction() { cancel_compaction_ = true; }
  // Waits for a running flush and compaction, after which none begins; the folder may be removed.
  void Retire() ABSL_LOCKS_EXCLUDED(flush_mu_, compact_mu_);
  bool retired() const { return retired_.load(); }

  // --- Any thread.

  std::shared_ptr<const Parts> parts() const { return parts_.Load(); }
  // Every record up to it is in the files.
  wal::Lsn flushed_lsn() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return flushed_lsn_;
  }
  // The least LSN the log must keep for this shard; kNoLsn when none.
  static constexpr wal::Lsn kNoLsn = ~wal::Lsn{0};
  wal::Lsn first_unflushed_lsn() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t active_bytes() const { return parts()->active->bytes(); }
  bool has_unfrozen() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return dirty_since_ != 0;
  }
  bool has_frozen() const { return !parts()->frozen.empty(); }
  // When the last row was applied, in the clock of Env::MonotonicNs().
  int64_t last_write_ns() const { return last_write_ns_.load(); }
  // `now_ns` is Env::MonotonicNs().
  ShardStatus Status(int64_t now_ns) const;
  ActivityCounters& activity() { return activity_; }
  // Points that were meant for this shard and refused.
  void NoteDropped(uint64_t points) {
    points_dropped_.fetch_add(points, std::memory_order_relaxed);
  }
  // What was found to be damaged at open.
  const std::vector<absl::Status>& damage() const { return damage_; }
  // OK, or why the index may lack series, so that no view may trust it.
  const absl::Status& incomplete() const { return incomplete_; }
  // Whether the index names every series that the shard's files and its part of the log name.
  bool IsWhole() const { return incomplete_.ok() && unreadable_.ok(); }

  // Records that a flush or compaction failed, or did not: how long to wait until the next try.
  void NoteResult(bool ok, int64_t now_ns);
  bool MayTry(int64_t now_ns) const { return now_ns >= retry_after_ns_.load(); }

  // Forgets which deletes may still be followed by a RemoveSeries record.
  void ForgetDelete(wal::Lsn delete_lsn) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct OpenDelete {
    wal::Lsn lsn = 0;
    absl::flat_hash_set<model::SeriesId> revived;  // got rows since
  };

  Shard(base::Env& env, std::string folder, KnownShard shard, index::SeriesTable& table,
        ByteTotal cache_total);
  absl::Status OpenParts(tsm::Manifest manifest) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status RebuildIndex() ABSL_LOCKS_EXCLUDED(mu_);
  // Passes over series that `remaining`, which may be null, says have no rows.
  absl::Status IndexFile(tsm::FileReader& file, RemainingRows* remaining);
  absl::Status RemoveStrays(const tsm::Manifest& manifest);
  void OpenRollup(FilePart* part);
  void LoadTypes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteDirty(wal::Lsn lsn) ABSL_LOCKS_EXCLUDED(mu_);
  // Appends the batch's rows to the active cache and counts them; without `points` only tells
  // `late`.
  absl::Status ReadRows(model::WriteBatchReader& batch, LateWrites* late, uint64_t* points);
  void NoteNewSeries() ABSL_LOCKS_EXCLUDED(mu_);
  void FreezeLocked(wal::Lsn lsn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Publishes a changed copy of the parts.
  template <typename Change>
  void ChangeParts(Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string NextFileName();
  tsm::Manifest MakeManifest(const Parts& parts) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::shared_ptr<tsm::FileReader>> WriteCache(const Cache& cache);
  absl::Status InstallFlush(const FrozenCache& frozen, std::shared_ptr<tsm::FileReader> reader)
      ABSL_LOCKS_EXCLUDED(manifest_mu_, mu_);
  absl::Status InstallCompaction(const CompactionPlan& plan, const Parts& merged,
                                 std::shared_ptr<tsm::FileReader> reader)
      ABSL_LOCKS_EXCLUDED(manifest_mu_, mu_);

  base::Env& env_;
  const std::string folder_;
  const KnownShard known_;
  index::SeriesTable& table_;
  const ByteTotal cache_total_;
  std::unique_ptr<index::ShardIndex> index_;
  std::vector<absl::Status> damage_;
  // Why nothing can be read or flushed: the manifest is damaged, or the index and a file are.
  absl::Status unreadable_;
  absl::Status incomplete_;
  base::Published<Parts> parts_;  // changed only with mu_ held
  std::atomic<uint64_t> next_file_{1};
  std::atomic<int64_t> last_write_ns_{0};
  std::atomic<bool> retired_{false};
  std::atomic<bool> cancel_compaction_{false};
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> points_written_{0};
  std::atomic<uint64_t> points_dropped_{0};
  ActivityCounters activity_;
  std::atomic<int64_t> retry_after_ns_{0};
  std::atomic<int64_t> retry_delay_ns_{0};

  // Guarded by the store's apply lock.
  Cache* active_ = nullptr;                    // parts_'s
  wal::Lsn skip_through_ = 0;                  // in the files already, as of open
  std::vector<const RowLayout*> row_layouts_;  // of the batch being applied
  std::vector<model::SeriesId> new_series_;    // new in the active cache by it

  absl::Mutex flush_mu_;     // held by the one flush
  absl::Mutex compact_mu_;   // held by the one compaction or rollup
  absl::Mutex manifest_mu_;  // held while a manifest is saved and its parts are published

  // Names of files whose rollup cannot be made.
  absl::flat_hash_set<std::string> without_rollup_ ABSL_GUARDED_BY(compact_mu_);

  mutable absl::Mutex mu_;
  uint64_t next_sequence_ ABSL_GUARDED_BY(mu_) = 1;
  wal::Lsn flushed_lsn_ ABSL_GUARDED_BY(mu_) = 0;
  wal::Lsn dirty_since_ ABSL_GUARDED_BY(mu_) = 0;  // first record not frozen yet; 0: none
  std::vector<OpenDelete> open_deletes_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> has_open_deletes_{false};
  absl::flat_hash_map<model::FieldId, model::FieldType> types_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<ValidatedLayouts> validated_ ABSL_GUARDED_BY(mu_);
};

template <typename Change>
void Shard::ChangeParts(Change change) {
  auto next = std::make_shared<Parts>(*parts_.Load());
  change(*next);
  parts_.Store(std::move(next));
}

}  // namespace varve::engine
