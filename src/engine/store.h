// The storage engine: the one write path, deletes, flush and compaction, and views for queries.
//
// Writing: parse, resolve series, route to shards, check field types, reserve cache room; then log;
// then apply on the log thread, in log order, which cannot fail. Nothing that can still be refused
// is made durable. See docs/architecture.md, "The way of a point".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "engine/activity.h"
#include "engine/options.h"
#include "engine/read_view.h"
#include "index/predicate.h"
#include "model/line_protocol.h"
#include "model/shard_router.h"
#include "model/types.h"
#include "wal/log.h"

namespace varve::engine {

struct WriteRequest {
  std::string_view database;
  std::string_view retention_policy;  // empty: the default
  std::string_view body;              // line protocol; must live until `done` is called
  model::Precision precision = model::Precision::kNs;
};

// What became of a request. `status` is what the client is told, with InfluxDB's words:
//   OK                  everything is durable (as the sync policy has it) and visible
//   INVALID_ARGUMENT    nothing or only a part was written: parse errors, "partial write: ..."
//   NOT_FOUND           database; retention policy (the message tells which)
//   UNAVAILABLE         the log is sealed, or the cache is full and its flush behind: retry later
struct WriteResult {
  absl::Status status;
  uint64_t points_written = 0;
  uint64_t values_written = 0;
  uint64_t points_dropped = 0;
};
using WriteDone = std::function<void(WriteResult)>;

// A point from inside the process: SELECT INTO, continuous queries.
struct Point {
  std::string series_key;  // canonical bytes, model/series_key.h
  int64_t time_ns = 0;
  std::vector<std::pair<std::string, model::FieldValue>> fields;  // unescaped names
};

struct DeleteRequest {
  model::DatabaseId database = model::kNoId;
  std::vector<model::ShardId> shards;     // which shards it covers
  std::vector<std::string> measurements;  // empty: all
  index::TagPredicate predicate;
  model::TimeRange range;
  // DROP SERIES and DROP MEASUREMENT: the whole range, and the series leave the index. A DELETE of
  // points takes a series out of a shard's index only when none of its points remain there.
  bool drop_series = false;
  // DROP MEASUREMENT: the fields of a measurement that has no series left forget their types, so
  // that they may come back with others. DROP SERIES and DELETE keep them, as InfluxDB does.
  bool drop_fields = false;
};

struct ShardStatus {
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
  uint64_t series = 0;
  uint64_t disk_bytes = 0;
  uint64_t cache_bytes = 0;
  uint64_t files = 0;
  model::TimeRange range;
  std::string folder;
  uint64_t frozen_caches = 0;  // waiting to be flushed
  int64_t cache_age_ns = 0;    // since a row was last applied; 0: none was
  uint64_t writes = 0;         // batches and points applied since the shard was opened
  uint64_t points_written = 0;
  uint64_t points_dropped = 0;  // refused for a conflict of types or a limit
  Activity activity;
};

struct DatabaseStatus {
  model::DatabaseId database = model::kNoId;
  uint64_t series = 0;  // that have points, in any shard
  uint64_t measurements = 0;
  uint64_t index_bytes = 0;  // memory of what is known of series and not in files
};

struct StoreStatus {
  absl::Status health;  // OK, or why writes are refused: the first of the next two
  absl::Status log_health;
  absl::Status disk_health;
  // Writes were refused in the last seconds because the cache was full and its flush behind.
  bool cache_full = false;
  uint64_t cache_bytes = 0;
  uint64_t cache_bytes_max = 0;
  uint64_t wal_bytes = 0;
  wal::LogStatus wal;
  Activity activity;
  uint64_t compactions_waiting = 0;  // shards with files to merge
  uint64_t rollups = 0;              // made since the store was opened
  uint64_t writes = 0;
  uint64_t writes_refused = 0;  // of which nothing was taken
  uint64_t points_written = 0;
  uint64_t values_written = 0;
  uint64_t points_dropped = 0;
  absl::Status last_background_error;  // of a flush or compaction; OK after the next success
  std::vector<absl::Status> damage;    // found since the store was opened; each names its file
};

// A shard that exists according to the catalog.
struct KnownShard {
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
  model::TimeRange range;
};

// Thread safety: every method may be called from any thread.
class Store {
 public:
  // Opens the data folder (the caller holds its lock), removes the folders of shards that are not
  // `known`, replays the log, and starts the background threads. Damage does not
  // fail this; Status() tells of it, and the rest can be read. A damaged file or manifest stops its
  // shard, a damaged series table its database; behind a damaged record of the log nothing is
  // replayed, and nothing is written. `env` and `router` must outlive the store.
  static absl::StatusOr<std::unique_ptr<Store>> Open(base::Env& env, StoreOptions options,
                                                     std::vector<KnownShard> known,
                                                     model::ShardRouter& router);
  // Stops the background threads; what is in the cache is in the log.
  virtual ~Store() = default;

  // Parses, checks and logs on the caller; `done` is called exactly once, on the log thread or,
  // when nothing was logged, on the caller.
  virtual void Write(const WriteRequest& request, WriteDone done) = 0;
  // Write and wait.
  virtual WriteResult WriteAndWait(const WriteRequest& request) = 0;
  // Writes points that are already parsed, and waits.
  virtual WriteResult WritePoints(std::string_view database, std::string_view retention_policy,
                                  const std::vector<Point>& points) = 0;

  // Deletes are logged, applied in order with the writes, and visible when this returns.
  virtual absl::Status Delete(const DeleteRequest& request) = 0;

  // Removes what the catalog no longer names. A view that is open keeps what it reads.
  virtual absl::Status DropShard(model::DatabaseId database, model::ShardId shard) = 0;
  virtual absl::Status DropDatabase(model::DatabaseId database) = 0;

  // What a query reads: a consistent view of the shards in `shards` (those that do not exist yet
  // are empty). Pass the shards that overlap the query's time range.
  virtual absl::StatusOr<std::shared_ptr<const ReadView>> OpenView(
      model::DatabaseId database, const std::vector<KnownShard>& shards) = 0;

  // Flushes every cache to files and waits; then, with `compact`, merges every shard to as few
  // files as the size limits allow, coded for cold data.
  virtual absl::Status Flush(bool compact) = 0;

  // Leaves the read-only state after a full disk, where that is safe; see wal::Log::TryRecover.
  // The background thread tries by itself every few seconds.
  virtual absl::Status TryRecover() = 0;

  // The name behind an id of LateWrites; empty when the database is gone.
  virtual std::string MeasurementName(model::DatabaseId database,
                                      model::MeasurementId measurement) const = 0;
  virtual std::vector<ShardStatus> Shards() const = 0;
  virtual std::vector<DatabaseStatus> DatabaseStatuses() const = 0;
  virtual StoreStatus Status() const = 0;
};

}  // namespace varve::engine
