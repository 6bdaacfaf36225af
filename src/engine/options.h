// What the configuration file's [data] section says, in the engine's terms.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/late_writes.h"
#include "wal/log.h"

namespace varve::engine {

struct StoreOptions {
  std::string data_folder;  // shards and series tables
  std::string wal_folder;
  wal::SyncPolicy sync = wal::SyncPolicy::kAlways;
  int64_t sync_interval_ms = 1000;
  uint64_t cache_bytes_max = uint64_t{1} << 30;      // all caches; beyond it writes get 503
  uint64_t cache_snapshot_bytes = 25 << 20;          // a shard's cache is flushed at this size
  int64_t cache_snapshot_cold_ns = 600'000'000'000;  // ... or when not written to for so long
  int64_t compact_cold_ns = 4 * 3600'000'000'000;    // a shard not written to for so long is merged
  uint64_t compact_bytes_per_second = 48 << 20;      // 0: no limit
  // A longer log has the shards flushed that keep its older half: one that gets few points would
  // otherwise keep, until its cache is large, all that others wrote meanwhile.
  uint64_t wal_bytes_max = uint64_t{1} << 30;
  uint64_t max_series_per_database = 0;  // 0: no limit
  uint64_t max_values_per_tag = 0;       // 0: no limit
  bool rollups = true;                   // whether settled files get partial aggregates by the hour
  uint64_t rollup_rows_min = 32;         // ... of series with at least so many rows to the hour
  size_t background_threads = 1;
  // Called once for each damage that is found, at open or later, from any thread.
  std::function<void(const absl::Status&)> on_damage;
  // Told of what is written and deleted behind its marks, replay included; may be null.
  std::shared_ptr<LateWrites> late_writes;
  // Called before records leave the log, whose notes in `late_writes` no replay will make again; on
  // an error they stay. It must not wait for a flush. May be empty.
  std::function<absl::Status()> before_truncate;
  bool background = true;  // false (tests): flush and compaction happen only in Flush()
};

}  // namespace varve::engine
