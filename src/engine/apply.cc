// What a record of the log does to the store: after it became durable, and again in replay.
#include <algorithm>

#include "base/status.h"
#include "engine/store_impl.h"

namespace varve::engine {

void StoreImpl::Apply(const wal::Record& record) {
  absl::MutexLock lock(&apply_mu_);
  const absl::Status status = ApplyRecord(record);
  // What is logged has been checked before; only a replay can meet what it cannot read.
  if (!status.ok()) replay_error_.Update(base::Annotate(status, "lsn=", record.lsn));
  applied_lsn_ = record.lsn;
  if (replaying_) FlushDuringReplay();
}

absl::Status StoreImpl::ApplyRecord(const wal::Record& record) {
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::kWriteBatch:
      return ApplyBatch(record);
    case RecordType::kDefinitions:
      return ApplyDefinitions(record);
    case RecordType::kDelete:
      return ApplyDelete(record);
    case RecordType::kRemoveSeries: {
      ASSIGN_OR_RETURN(const auto remove, RemoveSeriesRecord::Decode(record.payload));
      const auto database = DatabaseOf(remove.database, record.lsn);
      const auto shard = database == nullptr ? nullptr : ShardOf(*database, remove.shard);
      if (shard == nullptr) return absl::OkStatus();
      database->forgetter().NoteRemoved(remove.series);
      shard->ApplyRemoveSeries(remove, record.lsn);
      return absl::OkStatus();
    }
    case RecordType::kSchema: {
      ASSIGN_OR_RETURN(const auto schema, SchemaRecord::Decode(record.payload));
      const auto database = DatabaseOf(schema.database, record.lsn);
      const auto shard = database == nullptr ? nullptr : ShardOf(*database, schema.shard);
      if (shard != nullptr) shard->ApplySchema(schema, record.lsn);
      return absl::OkStatus();
    }
  }
  return base::FailedPrecondition("log record of unknown type ", record.type,
                                  ": written by a newer version");
}

std::shared_ptr<DatabaseState> StoreImpl::DatabaseOf(model::DatabaseId id, wal::Lsn lsn) {
  if (auto database = FindDatabase(id)) return database;
  // The log keeps what a damaged database could not take, for when it has been mended.
  if (first_unapplied_ == 0 && !DamageOf(id).ok()) first_unapplied_ = lsn;
  return nullptr;
}

std::shared_ptr<Shard> StoreImpl::ShardOf(DatabaseState& database, model::ShardId id) {
  if (auto shard = database.FindShard(id)) return shard;
  // A live record's shard is gone only because it was dropped; in replay it may have been cut off
  // before it had a folder.
  apply_mu_.AssertHeld();
  const auto known = known_.find(id);
  if (!replaying_ || known == known_.end()) return nullptr;
  bool created;
  auto shard = database.OpenShard(known->second, &created);
  if (shard.ok()) return *std::move(shard);
  replay_error_.Update(shard.status());
  return nullptr;
}

absl::Status StoreImpl::ApplyBatch(const wal::Record& record) {
  ASSIGN_OR_RETURN(const auto batch, model::WriteBatchReader::Open(record.payload));
  const auto database = DatabaseOf(batch->database(), record.lsn);
  if (database == nullptr) return absl::OkStatus();
  while (true) {
    model::ShardId id;
    size_t rows;
    ASSIGN_OR_RETURN(const bool more, batch->NextShard(&id, &rows));
    if (!more) return absl::OkStatus();
    const auto shard = ShardOf(*database, id);
    if (shard == nullptr) {
      model::WriteBatchReader::Row row;
      for (size_t i = 0; i < rows; ++i) RETURN_IF_ERROR(batch->NextRow(&row).status());
      continue;
    }
    RETURN_IF_ERROR(shard->ApplyRows(*batch, record.lsn, options_.late_writes.get()));
    if (!replaying_ && shard->active_bytes() >= options_.cache_snapshot_bytes) WakeFlusher();
  }
}

absl::Status StoreImpl::ApplyDefinitions(const wal::Record& record) {
  ASSIGN_OR_RETURN(const auto parsed, DefinitionsRecord::Decode(record.payload));
  const auto database = DatabaseOf(parsed.database, record.lsn);
  if (database == nullptr) return absl::OkStatus();
  database->NoteDefinitions(record.lsn);
  return replaying_ ? database->table().ApplyDefinitions(parsed.definitions) : absl::OkStatus();
}

absl::Status StoreImpl::ApplyDelete(const wal::Record& record) {
  ASSIGN_OR_RETURN(const auto remove, DeleteRecord::Decode(record.payload));
  const auto database = DatabaseOf(remove.database, record.lsn);
  if (database == nullptr) return absl::OkStatus();
  for (const auto& part : remove.shards) {
    const auto shard = ShardOf(*database, part.shard);
    if (shard == nullptr) continue;
    if (remove.drop_series) {
      database->forgetter().NoteRemoved(part.series);
    } else {
      NoteLateDelete(*database, *shard, remove.range, part.series);
    }
    shard->ApplyDelete(remove, part.series, record.lsn);
  }
  return absl::OkStatus();
}

void StoreImpl::NoteLateDelete(DatabaseState& database, const Shard& shard, model::TimeRange range,
                               const std::vector<model::SeriesId>& series) {
  LateWrites* const late = options_.late_writes.get();
  if (late == nullptr) return;
  const model::TimeRange& own = shard.known().range;
  range = {std::max(range.min_ns, own.min_ns), std::min(range.max_ns, own.max_ns)};
  if (range.empty() || range.min_ns >= late->Before(database.id())) return;
  model::MeasurementId last = model::kNoId;
  for (model::SeriesId id : series) {
    const model::MeasurementId measurement = database.table().MeasurementOfSeries(id);
    if (measurement == model::kNoId) continue;  // forgotten since
    if (measurement != last) late->Add(database.id(), shard.known().shard, measurement, range);
    last = measurement;
  }
}

void StoreImpl::FlushDuringReplay() {
  if (static_cast<uint64_t>(cache_bytes_->load()) < options_.cache_bytes_max / 2) return;
  for (const auto& shard : AllShards()) {
    shard->Freeze(applied_lsn_);
    const absl::Status status = FlushShard(*shard);
    if (!status.ok()) NoteBackground(status);
  }
}

}  // namespace varve::engine
