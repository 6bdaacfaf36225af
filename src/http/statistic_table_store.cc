// What is counted of data: writes, databases, shards, the log.
#include "base/strings.h"
#include "http/statistic_table.h"

namespace varve::http {
namespace {

using Item = StatisticItem;
using enum StatisticKind;
using enum StatisticScope;

constexpr int64_t kSeconds = 1'000'000'000;

const engine::StoreStatus& StoreOf(const Item& item) { return item.state->store; }
const engine::Activity& Work(const Item& item) { return item.state->store.activity; }
const engine::Activity& ShardWork(const Item& item) { return item.shard->status.activity; }

int64_t Int(uint64_t value) { return static_cast<int64_t>(value); }

template <uint64_t engine::StoreStatus::*kField>
int64_t OfStore(const Item& item) {
  return Int(StoreOf(item).*kField);
}
template <uint64_t engine::ShardStatus::*kField>
int64_t OfShard(const Item& item) {
  return Int(item.shard->status.*kField);
}
template <uint64_t engine::Activity::*kField>
int64_t OfWork(const Item& item) {
  return Int(Work(item).*kField);
}
template <uint64_t engine::Activity::*kField>
int64_t OfShardWork(const Item& item) {
  return Int(ShardWork(item).*kField);
}
template <uint64_t wal::LogStatus::*kField>
int64_t OfLog(const Item& item) {
  return Int(StoreOf(item).wal.*kField);
}
template <uint64_t DatabaseState::*kField>
int64_t OfDatabase(const Item& item) {
  return Int(item.database->*kField);
}

std::string WalPath(const Item& item) { return StoreOf(item).wal.folder; }

std::vector<StatisticTag> ShardTags() {
  return {
      {"database", "database", [](const Item& item) { return item.shard->database; }},
      {"engine", "", [](const Item&) { return std::string("varve"); }},
      {"id", "shard", [](const Item& item) { return base::StrCat(item.shard->status.shard); }},
      {"path", "", [](const Item& item) { return item.shard->status.folder; }},
      {"retentionPolicy", "policy", [](const Item& item) { return item.shard->policy; }},
      {"walPath", "", WalPath},
  };
}

StatisticGroup Write() {
  using S = engine::StoreStatus;
  return {
      "write",
      kServer,
      "Writes from any source: requests, continuous queries, SELECT INTO, these statistics.",
      {},
      {
          {"pointReq", kCounter, "", 1, "Points that came.",
           [](const Item& item) {
             return Int(StoreOf(item).points_written + StoreOf(item).points_dropped);
           }},
          {"pointReqLocal", kCounter, "varve_store_points_written_total", 1,
           "Points accepted, from any source.", OfStore<&S::points_written>},
          {"req", kCounter, "varve_store_writes_total", 1, "Writes.", OfStore<&S::writes>},
          {"valueReq", kCounter, "varve_store_values_written_total", 1,
           "Field values accepted, from any source.", OfStore<&S::values_written>},
          {"writeDrop", kCounter, "varve_store_points_dropped_total", 1,
           "Points refused while the rest of their write was taken.", OfStore<&S::points_dropped>},
          {"writeError", kCounter, "varve_store_writes_refused_total", 1,
           "Writes of which nothing was taken.", OfStore<&S::writes_refused>},
          {"writeOk", kCounter, "", 1, "The other writes.",
           [](const Item& item) {
             return Int(StoreOf(item).writes - StoreOf(item).writes_refused);
           }},
      }};
}

StatisticGroup Database() {
  return {
      "database",
      kDatabase,
      "A database.",
      {{"database", "database", [](const Item& item) { return item.database->name; }}},
      {
          {"cacheBytes", kGauge, "varve_database_cache_bytes", 1,
           "Memory of its points that are not in files yet.",
           OfDatabase<&DatabaseState::cache_bytes>},
          {"diskBytes", kGauge, "varve_database_disk_bytes", 1, "Bytes of its shards' files.",
           OfDatabase<&DatabaseState::disk_bytes>},
          {"indexBytes", kGauge, "varve_database_index_bytes", 1,
           "Memory of its dictionary of series.",
           [](const Item& item) { return Int(item.database->status.index_bytes); }},
          {"numMeasurements", kGauge, "varve_database_measurements", 1, "Measurements with points.",
           [](const Item& item) { return Int(item.database->status.measurements); }},
          {"numSeries", kGauge, "varve_database_series", 1, "Series with points.",
           [](const Item& item) { return Int(item.database->status.series); }},
          {"numShards", kGauge, "varve_database_shards", 1, "Its shards.",
           OfDatabase<&DatabaseState::shards>},
      }};
}

StatisticGroup ShardGroup() {
  using S = engine::ShardStatus;
  return {
      "shard",
      kShard,
      "A shard. Its counts begin when it is opened.",
      ShardTags(),
      {
          {"cacheBytes", kGauge, "varve_shard_cache_bytes", 1,
           "Memory of its points that are not in files yet.", OfShard<&S::cache_bytes>},
          {"diskBytes", kGauge, "varve_shard_disk_bytes", 1, "Bytes of its files.",
           OfShard<&S::disk_bytes>},
          {"files", kGauge, "", 1, "Files of points.", OfShard<&S::files>},
          {"numSeries", kGauge, "varve_shard_series", 1, "Series of a shard.", OfShard<&S::series>},
          {"writePointsDropped", kCounter, "", 1,
           "Points refused for a conflict of types or a limit.", OfShard<&S::points_dropped>},
          {"writePointsOk", kCounter, "varve_shard_points_written_total", 1, "Points written.",
           OfShard<&S::points_written>},
          {"writeReq", kCounter, "", 1, "Batches written.", OfShard<&S::writes>},
          {"writeReqOk", kCounter, "", 1, "The same.", OfShard<&S::writes>},
      }};
}

StatisticGroup Tsm1Cache() {
  using S = engine::ShardStatus;
  using A = engine::Activity;
  return {"tsm1_cache",
          kShard,
          "The points of a shard that are not in files yet.",
          ShardTags(),
          {
              {"WALCompactionTimeMs", kCounter, "", 1, "Time spent writing them to files, in ms.",
               [](const Item& item) { return Int(ShardWork(item).flush_ns / 1'000'000); }},
              {"cacheAgeMs", kGauge, "", 1, "Time since the last point, in ms.",
               [](const Item& item) { return item.shard->status.cache_age_ns / 1'000'000; }},
              {"cachedBytes", kCounter, "", 1, "Bytes of the files they became.",
               OfShardWork<&A::flush_bytes>},
              {"memBytes", kGauge, "", 1, "Memory of the points.", OfShard<&S::cache_bytes>},
              {"snapshotCount", kGauge, "", 1, "Parts that wait to be written to a file.",
               OfShard<&S::frozen_caches>},
              {"writeOk", kCounter, "", 1, "Batches written.", OfShard<&S::writes>},
          }};
}

StatisticGroup Tsm1Engine() {
  using A = engine::Activity;
  return {"tsm1_engine",
          kShard,
          "Flushes and merges of files of a shard. InfluxDB counts merges by level; here there is "
          "one count.",
          ShardTags(),
          {
              {"cacheCompactionDuration", kCounter, "", 1, "Time of flushes, in nanoseconds.",
               OfShardWork<&A::flush_ns>},
              {"cacheCompactionErr", kCounter, "", 1, "Flushes that failed.",
               OfShardWork<&A::flush_errors>},
              {"cacheCompactions", kCounter, "", 1, "Flushes.", OfShardWork<&A::flushes>},
              {"cacheCompactionsActive", kGauge, "", 1, "Flushes running now.",
               [](const Item& item) { return ShardWork(item).flushes_active; }},
              {"compactionBytesIn", kCounter, "", 1, "Bytes of files that were merged.",
               OfShardWork<&A::compaction_bytes_in>},
              {"compactionBytesOut", kCounter, "", 1, "Bytes of what they became.",
               OfShardWork<&A::compaction_bytes_out>},
              {"compactionDuration", kCounter, "", 1, "Time of merges, in nanoseconds.",
               OfShardWork<&A::compaction_ns>},
              {"compactionErr", kCounter, "", 1, "Merges that failed.",
               OfShardWork<&A::compaction_errors>},
              {"compactions", kCounter, "", 1, "Merges.", OfShardWork<&A::compactions>},
              {"compactionsActive", kGauge, "", 1, "Merges running now.",
               [](const Item& item) { return ShardWork(item).compactions_active; }},
          }};
}

StatisticGroup Wal() {
  using L = wal::LogStatus;
  return {
      "tsm1_wal",
      kServer,
      "The write-ahead log. There is one for all shards; InfluxDB has one each.",
      {{"path", "", WalPath}},
      {
          {"bytesWritten", kCounter, "varve_wal_written_bytes_total", 1, "Bytes written to it.",
           OfLog<&L::bytes_written>},
          {"currentSegmentDiskBytes", kGauge, "", 1, "Bytes of the file being written.",
           OfLog<&L::open_bytes>},
          {"oldSegmentsDiskBytes", kGauge, "", 1, "Bytes of the others.",
           [](const Item& item) {
             return Int(StoreOf(item).wal_bytes -
                        std::min(StoreOf(item).wal_bytes, StoreOf(item).wal.open_bytes));
           }},
          {"segments", kGauge, "varve_wal_segments", 1, "Files of the log.", OfLog<&L::segments>},
          {"syncErr", kCounter, "varve_wal_sync_errors_total", 1, "Failed fdatasyncs of the log.",
           OfLog<&L::sync_errors>},
          {"syncs", kCounter, "", 1, "Calls of fdatasync.",
           [](const Item& item) { return Int(StoreOf(item).wal.syncs.Total()); }},
          {"writeOk", kCounter, "varve_wal_records_total", 1, "Records written.",
           OfLog<&L::records>},
      }};
}

StatisticGroup Engine() {
  using S = engine::StoreStatus;
  using A = engine::Activity;
  return {
      "varve_engine",
      kServer,
      "All shards together, since the start.",
      {},
      {
          {"cacheBytes", kGauge, "varve_store_cache_bytes", 1, "Memory of points not yet in files.",
           OfStore<&S::cache_bytes>},
          {"cacheBytesMax", kGauge, "varve_store_cache_max_bytes", 1,
           "What cache-max-memory-size allows.", OfStore<&S::cache_bytes_max>},
          {"compactionBytesIn", kCounter, "varve_store_compaction_read_bytes_total", 1,
           "Bytes of files that were merged.", OfWork<&A::compaction_bytes_in>},
          {"compactionBytesOut", kCounter, "varve_store_compaction_written_bytes_total", 1,
           "Bytes of what they became.", OfWork<&A::compaction_bytes_out>},
          {"compactionErrors", kCounter, "varve_store_compaction_errors_total", 1,
           "Merges of files that failed.", OfWork<&A::compaction_errors>},
          {"compactionNs", kCounter, "varve_store_compaction_seconds_total", kSeconds,
           "Time of merges.", OfWork<&A::compaction_ns>},
          {"compactions", kCounter, "varve_store_compactions_total", 1, "Merges of files.",
           OfWork<&A::compactions>},
          {"compactionsActive", kGauge, "varve_store_compactions_active", 1, "Merges running now.",
           [](const Item& item) { return Work(item).compactions_active; }},
          {"compactionsWaiting", kGauge, "varve_store_compactions_waiting", 1,
           "Shards with files to be merged.", OfStore<&S::compactions_waiting>},
          {"damaged", kGauge, "varve_store_damaged", 1, "Places that were found to be damaged.",
           [](const Item& item) { return Int(StoreOf(item).damage.size()); }},
          {"diskBytes", kGauge, "varve_store_disk_bytes", 1, "Bytes of files of points.",
           [](const Item& item) { return Int(item.state->disk_bytes); }},
          {"files", kGauge, "varve_store_files", 1, "Files of points.",
           [](const Item& item) { return Int(item.state->files); }},
          {"flushBytes", kCounter, "varve_store_flush_written_bytes_total", 1,
           "Bytes of files that caches became.", OfWork<&A::flush_bytes>},
          {"flushErrors", kCounter, "varve_store_flush_errors_total", 1, "Flushes that failed.",
           OfWork<&A::flush_errors>},
          {"flushNs", kCounter, "varve_store_flush_seconds_total", kSeconds, "Time of flushes.",
           OfWork<&A::flush_ns>},
          {"flushes", kCounter, "varve_store_flushes_total", 1, "Caches written to files.",
           OfWork<&A::flushes>},
          {"flushesActive", kGauge, "varve_store_flushes_active", 1, "Flushes running now.",
           [](const Item& item) { return Work(item).flushes_active; }},
          {"healthy", kGauge, "varve_store_healthy", 1, "1 when writes are taken.",
           [](const Item& item) {
             return int64_t{StoreOf(item).health.ok() && !StoreOf(item).cache_full};
           }},
          {"rollups", kCounter, "varve_store_rollups_total", 1,
           "Partial aggregates by the hour made of files.", OfStore<&S::rollups>},
          {"shards", kGauge, "varve_store_shards", 1, "Shards.",
           [](const Item& item) { return Int(item.state->shards.size()); }},
          {"walBytes", kGauge, "varve_store_wal_bytes", 1, "Bytes of the write-ahead log.",
           OfStore<&S::wal_bytes>},
      }};
}

}  // namespace

std::vector<StatisticGroup> StoreStatistics() {
  using S = engine::ShardStatus;
  return {Write(),
          Database(),
          ShardGroup(),
          Tsm1Cache(),
          Tsm1Engine(),
          {"tsm1_filestore",
           kShard,
           "The files of a shard.",
           ShardTags(),
           {
               {"diskBytes", kGauge, "", 1, "Their bytes.", OfShard<&S::disk_bytes>},
               {"numFiles", kGauge, "", 1, "Files of points.", OfShard<&S::files>},
           }},
          Wal(),
          Engine()};
}

}  // namespace varve::http
