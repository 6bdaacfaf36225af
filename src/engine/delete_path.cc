// How a delete becomes records of the log.
#include <algorithm>

#include "base/status.h"
#include "engine/remaining_rows.h"
#include "engine/store_impl.h"

namespace varve::engine {
namespace {

std::vector<model::SeriesId> Matching(const index::ShardIndexView& index,
                                      const index::SeriesTable& table,
                                      const DeleteRequest& request) {
  index::SeriesSet series;
  if (request.measurements.empty()) {
    for (model::MeasurementId id : index.Measurements())
      series |= index.Match(id, request.predicate);
  }
  for (const std::string& name : request.measurements) {
    const model::MeasurementId id = table.FindMeasurement(name);
    if (id != model::kNoId) series |= index.Match(id, request.predicate);
  }
  return series.ToVector();
}

}  // namespace

absl::Status StoreImpl::Delete(const DeleteRequest& request) {
  const auto database = FindDatabase(request.database);
  if (database == nullptr || request.range.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(log_->health());
  DeleteRecord record;
  record.database = request.database;
  record.drop_series = request.drop_series;
  record.drop_fields = request.drop_series && request.drop_fields;
  record.range = request.drop_series ? model::TimeRange{} : request.range;
  for (model::ShardId id : request.shards) {
    const auto shard = database->FindShard(id);
    if (shard == nullptr || !shard->known().range.Overlaps(record.range)) continue;
    auto series = Matching(*shard->IndexView(), database->table(), request);
    if (!series.empty()) record.shards.push_back({id, std::move(series)});
  }
  if (record.shards.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const wal::Lsn lsn,
                   log_->AppendAndWait(static_cast<uint8_t>(RecordType::kDelete), record.Encode()));
  WakeFlusher();  // the delete may have frozen caches
  return record.drop_series ? absl::OkStatus() : RemoveEmptySeries(record, lsn);
}

absl::Status StoreImpl::RemoveEmptySeries(const DeleteRecord& record, wal::Lsn lsn) {
  const auto database = FindDatabase(record.database);
  if (database == nullptr) return absl::OkStatus();
  absl::Status result;
  for (const auto& part : record.shards) {
    const auto shard = database->FindShard(part.shard);
    if (shard == nullptr) continue;
    RemoveSeriesRecord remove;
    remove.database = record.database;
    remove.shard = part.shard;
    remove.delete_lsn = lsn;
    ShardSnapshot snapshot;
    {
      absl::MutexLock lock(&apply_mu_);
      snapshot = shard->Snapshot();
    }
    RemainingRows remaining(snapshot.parts, snapshot.epoch);
    for (model::SeriesId series : part.series) {
      const auto has = remaining.Has(series);
      // A series that cannot be read stays known.
      if (has.ok() && !*has) remove.series.push_back(series);
    }
    absl::Status status;
    if (!remove.series.empty()) {
      status = log_->AppendAndWait(static_cast<uint8_t>(RecordType::kRemoveSeries), remove.Encode())
                   .status();
    }
    shard->ForgetDelete(lsn);
    result.Update(status);
  }
  return result;
}

}  // namespace varve::engine
