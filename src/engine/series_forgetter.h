// Finds out which series of a database nothing names any more, and has its table forget them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "engine/shard.h"
#include "index/series_set.h"
#include "index/series_table.h"
#include "model/types.h"
#include "wal/log.h"

namespace varve::engine {

// A series may be forgotten when it is in no shard's index, when no write that has looked it up is
// still on its way to a shard, and when no replay can bring it back to one. The last holds for what
// left with a shard, which the catalog has forgotten for good; what was deleted from a shard that
// lives on must wait until the files say so.
//
// So the forgetter goes in rounds that hold up nobody. It has the table watch the series that are
// in no shard; waits until the writes that had begun by then are done; and forgets those that are
// still in no shard, and that no later write has looked up.
//
// Thread safety: as each section says. "The apply lock" is the store's.
class SeriesForgetter {
 public:
  using Shards = std::vector<std::shared_ptr<Shard>>;

  explicit SeriesForgetter(index::SeriesTable& table) : table_(table) {}

  // --- Any thread.

  // Held by a write from before it looks its first series up until it is applied or refused.
  using Pin = std::shared_ptr<const void>;
  Pin NewPin() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return generation_;
  }
  // Series may be in no shard any more.
  void Want() { wanted_ = true; }

  // --- With the apply lock held.

  // The series leave a shard's index with a record that is being applied.
  void NoteRemoved(std::span<const model::SeriesId> series);
  // Every record below `first_unflushed` is in the files of the database's shards; the last one
  // applied was `applied`.
  void Settle(wal::Lsn first_unflushed, wal::Lsn applied);
  // Of `series`, forgets those that may be; see Candidates(). Returns how many.
  uint64_t Forget(index::SeriesSet series, const Shards& shards);

  // --- One thread at a time; in this order.

  // Whether there is anything to do: a round to begin, or one to go on with. The first is made
  // unasked, since nobody knows what happened before the database was opened.
  bool is_busy() const { return is_first_ || wanted_ || is_watching_; }
  bool is_watching() const { return is_watching_; }
  // Before a round is begun; true when it was asked for. Then it is worth flushing the table: only
  // what is in its segments can be forgotten.
  bool TakeWish() {
    is_first_ = false;
    return wanted_.exchange(false);
  }
  void BeginRound(const Shards& shards) ABSL_LOCKS_EXCLUDED(mu_);
  // Whether the writes that had begun before BeginRound() are done.
  bool CanEndRound() const { return before_round_.expired(); }
  // What Forget() may be called with, in pieces.
  std::vector<index::SeriesSet> Candidates(const Shards& shards) const;
  void EndRound();

 private:
  static void Subtract(const Shards& shards, index::SeriesSet* series);

  index::SeriesTable& table_;
  std::atomic<bool> wanted_{false};

  mutable absl::Mutex mu_;
  Pin generation_ ABSL_GUARDED_BY(mu_) = std::make_shared<int>();

  // The thread's that makes rounds.
  bool is_first_ = true;
  bool is_watching_ = false;
  std::weak_ptr<const void> before_round_;

  // Guarded by the store's apply lock: series that were removed up to an LSN, and after it; neither
  // is in the files for sure.
  index::SeriesSet removed_;
  index::SeriesSet removed_later_;
  wal::Lsn removed_through_ = 0;
};

}  // namespace varve::engine
