// What was written or deleted behind a mark: times of measurements that somebody has read already
// and must read again.
//
// Whoever keeps something computed from points (continuous queries) watches a database: points
// before a time, of records applied from then on, are noted here. Notes are made as records are
// applied, so replaying the log after a crash makes them again; they are lost only with the log
// records themselves, before whose removal StoreOptions::before_truncate is called.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/types.h"

namespace varve::engine {

// Memory is bounded: a shard's measurement has some hundred ranges between two calls of Take(); if
// there were more, those closest to each other become one.
//
// Thread safety: every method may be called from any thread.
class LateWrites {
 public:
  struct Note {
    model::DatabaseId database = model::kNoId;
    model::ShardId shard = 0;
    model::MeasurementId measurement = model::kNoId;
    std::vector<model::TimeRange> ranges;  // ascending, disjoint; whole multiples of the grain
  };

  struct Watch {
    int64_t before_ns = model::kMinTimeNs;  // points before it are noted
    int64_t grain_ns = 1;                   // how exactly
  };

  // From now on notes what `watches` says and nothing of databases it does not name.
  void SetWatches(absl::flat_hash_map<model::DatabaseId, Watch> watches) ABSL_LOCKS_EXCLUDED(mu_);
  // Hands out the notes and forgets them.
  std::vector<Note> Take() ABSL_LOCKS_EXCLUDED(mu_);

  // --- Where records are applied.

  // Points before it are to be noted; kMinTimeNs: none are.
  int64_t Before(model::DatabaseId database) const ABSL_LOCKS_EXCLUDED(mu_);
  // Notes what of `range` lies before the mark.
  void Add(model::DatabaseId database, model::ShardId shard, model::MeasurementId measurement,
           model::TimeRange range) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Key {
    model::DatabaseId database;
    model::ShardId shard;
    model::MeasurementId measurement;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Ranges = std::map<int64_t, int64_t>;  // first -> last

  static void Insert(Ranges& ranges, model::TimeRange range);

  std::atomic<bool> watching_{false};
  mutable absl::Mutex mu_;
  absl::flat_hash_map<model::DatabaseId, Watch> watches_ ABSL_GUARDED_BY(mu_);
  std::map<Key, Ranges> notes_ ABSL_GUARDED_BY(mu_);
  // What the last Add() ended in: late points come in runs.
  Key last_key_ ABSL_GUARDED_BY(mu_) = {};
  model::TimeRange last_range_ ABSL_GUARDED_BY(mu_) = {.min_ns = 1, .max_ns = 0};
};

}  // namespace varve::engine
