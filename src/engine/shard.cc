#include "engine/shard.h"

#include <algorithm>
#include <charconv>

#include "base/status.h"
#include "engine/remaining_rows.h"

namespace varve::engine {
namespace {

constexpr int64_t kFirstRetryNs = 1'000'000'000;
constexpr int64_t kLongestRetryNs = 60'000'000'000;

constexpr std::string_view kFileSuffix = ".tsm";
constexpr std::string_view kRollupSuffix = ".rollup";

// The number in a name that NextFileName() gave, or in that of such a file's rollup; 0 for any
// other.
uint64_t FileNumber(std::string_view name) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const std::string_view suffix(end, static_cast<size_t>(name.data() + name.size() - end));
  if (error != std::errc() || (suffix != kFileSuffix && suffix != kRollupSuffix)) return 0;
  return number;
}

}  // namespace

Shard::Shard(base::Env& env, std::string folder, KnownShard shard, index::SeriesTable& table,
             ByteTotal cache_total)
    : env_(env),
      folder_(std::move(folder)),
      known_(shard),
      table_(table),
      cache_total_(std::move(cache_total)),
      last_write_ns_(env.MonotonicNs()),
      validated_(std::make_shared<ValidatedLayouts>()) {}

absl::StatusOr<std::unique_ptr<Shard>> Shard::Open(base::Env& env, std::string folder,
                                                   KnownShard known, index::SeriesTable& table,
                                                   ByteTotal cache_total) {
  std::unique_ptr<Shard> shard(
      new Shard(env, std::move(folder), known, table, std::move(cache_total)));
  RETURN_IF_ERROR(env.CreateDirs(shard->folder_));
  const std::string index_folder = base::JoinPath(shard->folder_, "index");
  const bool has_index = env.Exists(base::JoinPath(index_folder, "index.list"));
  auto index = index::ShardIndex::Open(env, index_folder, table);
  bool rebuild = absl::IsDataLoss(index.status());
  if (rebuild) {
    // Derived from the files and the log, so it is made again from them.
    shard->damage_.push_back(index.status());
    RETURN_IF_ERROR(env.RemoveTree(index_folder));
    index = index::ShardIndex::Open(env, index_folder, table);
  }
  RETURN_IF_ERROR(index.status());
  shard->index_ = *std::move(index);
  auto manifest = tsm::LoadManifest(env, shard->folder_);
  if (absl::IsNotFound(manifest.status())) {
    manifest = tsm::Manifest{};
  } else if (!manifest.ok()) {
    // Without its manifest nothing is known of the shard's files: they stay, and so does the log.
    shard->unreadable_ = manifest.status();
    shard->damage_.push_back(manifest.status());
    manifest = tsm::Manifest{};
  }
  // A manifest with files is younger than its index: one that is gone was being made again.
  rebuild |= !has_index && !manifest->files.empty();
  RETURN_IF_ERROR(shard->OpenParts(*std::move(manifest)));
  if (rebuild) RETURN_IF_ERROR(shard->RebuildIndex());
  return shard;
}

absl::Status Shard::RebuildIndex() {
  const auto parts = parts_.Load();
  RemainingRows remaining(parts, kAllRecords);
  for (const auto& part : parts->files) {
    absl::Status status =
        part.reader == nullptr
            ? part.damage
            : IndexFile(*part.reader, parts->tombstones.empty() ? nullptr : &remaining);
    if (status.ok()) continue;
    // Series of this file would be missing without a word: none of the shard are served.
    if (part.reader != nullptr) damage_.push_back(status);
    incomplete_ = status;
    unreadable_ = std::move(status);
    return absl::OkStatus();
  }
  {
    absl::MutexLock lock(&mu_);
    LoadTypes();
  }
  return index_->Flush();
}

absl::Status Shard::IndexFile(tsm::FileReader& file, RemainingRows* remaining) {
  const auto cursor = file.NewCursor();
  while (true) {
    ASSIGN_OR_RETURN(const bool more, cursor->NextSeries());
    if (!more) return absl::OkStatus();
    // A series that was dropped, and maybe forgotten, may have rows until the next merge.
    bool remains = true;
    if (remaining != nullptr) {
      ASSIGN_OR_RETURN(remains, remaining->Has(cursor->series()));
    }
    if (remains) index_->AddSeries(cursor->series());
    for (const auto& chunk : cursor->chunks()) {
      for (const auto& column : chunk.columns) index_->AddField(column.field, column.type);
    }
  }
}

absl::Status Shard::OpenParts(tsm::Manifest manifest) {
  if (unreadable_.ok()) RETURN_IF_ERROR(RemoveStrays(manifest));
  auto parts = std::make_shared<Parts>();
  uint64_t last_file = 0;
  uint64_t sequence = manifest.next_sequence;
  for (auto& file : manifest.files) {
    last_file = std::max(last_file, FileNumber(file.info.name));
    sequence = std::max(sequence, file.sequence + 1);
    FilePart part{.file = file};
    auto reader = tsm::FileReader::Open(env_, folder_, file.info);
    if (reader.ok()) {
      part.reader = *std::move(reader);
      OpenRollup(&part);
    } else {
      part.damage = reader.status();
      damage_.push_back(reader.status());
    }
    parts->files.push_back(std::move(part));
  }
  for (const auto& tombstone : manifest.tombstones) {
    sequence = std::max(sequence, tombstone.sequence + 1);
  }
  parts->tombstones = std::move(manifest.tombstones);
  parts->active = std::make_shared<Cache>(sequence, cache_total_);
  active_ = parts->active.get();
  skip_through_ = manifest.flushed_lsn;
  next_file_ = last_file + 1;

  absl::MutexLock lock(&mu_);
  next_sequence_ = sequence + 1;
  flushed_lsn_ = manifest.flushed_lsn;
  parts_.Store(std::move(parts));
  LoadTypes();
  return absl::OkStatus();
}

void Shard::OpenRollup(FilePart* part) {
  auto rollup = tsm::RollupReader::Open(env_, folder_, *part->reader);
  if (rollup.ok()) {
    part->rollup = *std::move(rollup);
  } else if (!absl::IsNotFound(rollup.status())) {
    damage_.push_back(rollup.status());  // it is made again in time
  }
}

absl::Status Shard::RemoveStrays(const tsm::Manifest& manifest) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, env_.List(folder_));
  for (const std::string& name : names) {
    const bool is_ours = FileNumber(name) != 0 || name.ends_with(".tmp");
    const bool is_known = std::any_of(
        manifest.files.begin(), manifest.files.end(), [&](const tsm::ManifestFile& file) {
          return file.info.name == name || tsm::RollupName(file.info.name) == name;
        });
    if (is_ours && !is_known) RETURN_IF_ERROR(env_.RemoveFile(base::JoinPath(folder_, name)));
  }
  return absl::OkStatus();
}

void Shard::LoadTypes() {
  types_.clear();
  const auto view = index_->View();
  for (model::MeasurementId measurement : view->Measurements()) {
    for (const auto& field : view->Fields(measurement)) types_[field.field] = field.type;
  }
}

std::shared_ptr<ValidatedLayouts> Shard::validated() const {
  absl::MutexLock lock(&mu_);
  return validated_;
}

bool Shard::ReserveLayout(const LineLayout& layout, FieldConflict* conflict) {
  absl::MutexLock lock(&mu_);
  for (size_t i = 0; i < layout.raw.size(); ++i) {
    const auto found = types_.find(layout.raw[i].field);
    if (found == types_.end() || found->second == layout.raw[i].type) continue;
    *conflict = {i, found->second};
    return false;
  }
  for (size_t i = 0; i < layout.raw.size(); ++i) {
    const auto& raw = layout.raw[i];
    if (raw.field == model::kNoId) continue;
    const model::FieldType type = index_->ReserveField(raw.field, raw.type);
    types_[raw.field] = type;
    if (type == raw.type) continue;
    *conflict = {i, type};
    return false;
  }
  validated_->Add(layout.id);
  return true;
}

void Shard::NoteDirty(wal::Lsn lsn) {
  last_write_ns_.store(env_.MonotonicNs(), std::memory_order_relaxed);
  absl::MutexLock lock(&mu_);
  if (dirty_since_ == 0) dirty_since_ = lsn;
}

void Shard::NoteNewSeries() {
  if (new_series_.empty()) return;
  index_->AddSeries(new_series_);
  if (!has_open_deletes_.load(std::memory_order_relaxed)) return;
  absl::MutexLock lock(&mu_);
  for (auto& open : open_deletes_) open.revived.insert(new_series_.begin(), new_series_.end());
}

absl::Status Shard::ApplyRows(model::WriteBatchReader& batch, wal::Lsn lsn, LateWrites* late) {
  if (lsn <= skip_through_) return ReadRows(batch, late, /*points=*/nullptr);
  NoteDirty(lsn);
  active_->BeginRecord();
  row_layouts_.assign(batch.layouts().size(), nullptr);
  new_series_.clear();
  uint64_t points = 0;
  const absl::Status status = ReadRows(batch, late, &points);
  NoteNewSeries();
  writes_.fetch_add(1, std::memory_order_relaxed);
  points_written_.fetch_add(points, std::memory_order_relaxed);
  return status;
}

absl::Status Shard::ReadRows(model::WriteBatchReader& batch, LateWrites* late, uint64_t* points) {
  model::WriteBatchReader::Row row;
  const int64_t late_before = late == nullptr ? model::kMinTimeNs : late->Before(known_.database);
  model::SeriesId late_series = model::kNoId;
  model::MeasurementId late_measurement = model::kNoId;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, batch.NextRow(&row));
    if (!more) return absl::OkStatus();
    if (row.time_ns < late_before) {
      if (row.series != late_series) late_measurement = table_.MeasurementOfSeries(row.series);
      late_series = row.series;
      // A forgotten series has left the shard since, so that nothing is to be computed of it.
      if (late_measurement != model::kNoId) {
        late->Add(known_.database, known_.shard, late_measurement, {row.time_ns, row.time_ns});
      }
    }
    if (points == nullptr) continue;
    const RowLayout*& layout = row_layouts_[row.layout];
    if (layout == nullptr) {
      const auto& fields = batch.layouts()[row.layout].fields;
      bool is_new;
      layout = active_->LayoutOf(fields, &is_new);
      if (is_new) {
        for (const auto& field : fields) index_->AddField(field.field, field.type);
      }
    }
    const bool is_new = active_->Append(row.series, layout, row.time_ns, row.values);
    if (is_new) new_series_.push_back(row.series);
    ++*points;
  }
}

void Shard::ApplySchema(const SchemaRecord& record, wal::Lsn lsn) {
  if (lsn <= skip_through_) return;
  NoteDirty(lsn);
  for (const auto& field : record.fields) index_->AddField(field.field, field.type);
  index_->AddSeries(record.series);
}

void Shard::FreezeLocked(wal::Lsn lsn) {
  if (dirty_since_ == 0) return;
  auto active = std::make_shared<Cache>(next_sequence_++, cache_total_);
  active_ = active.get();
  const wal::Lsn first_lsn = dirty_since_;
  ChangeParts([&](Parts& parts) {
    parts.frozen.push_back({std::move(parts.active), first_lsn, lsn});
    parts.active = std::move(active);
  });
  dirty_since_ = 0;
}

void Shard::Freeze(wal::Lsn lsn) {
  absl::MutexLock lock(&mu_);
  FreezeLocked(lsn);
}

ShardSnapshot Shard::Snapshot() const {
  ShardSnapshot snapshot;
  snapshot.shard = known_;
  snapshot.parts = parts_.Load();
  snapshot.epoch = snapshot.parts->active->OpenView();
  snapshot.index = index_->View();
  snapshot.damage = unreadable_;
  return snapshot;
}

void Shard::EndReplay() {
  absl::MutexLock lock(&mu_);
  skip_through_ = 0;
  open_deletes_.clear();
  has_open_deletes_ = false;
}

wal::Lsn Shard::first_unflushed_lsn() const {
  absl::MutexLock lock(&mu_);
  const auto parts = parts_.Load();
  if (!parts->frozen.empty()) return parts->frozen.front().first_lsn;
  return dirty_since_ == 0 ? kNoLsn : dirty_since_;
}

std::string Shard::NextFileName() {
  std::string number = base::StrCat(next_file_.fetch_add(1));
  if (number.size() < 8) number.insert(0, 8 - number.size(), '0');
  return base::StrCat(number, kFileSuffix);
}

tsm::Manifest Shard::MakeManifest(const Parts& parts) const {
  tsm::Manifest manifest;
  manifest.flushed_lsn = flushed_lsn_;
  manifest.next_sequence = next_sequence_;
  for (const auto& part : parts.files) manifest.files.push_back(part.file);
  manifest.tombstones = parts.tombstones;
  return manifest;
}

ShardStatus Shard::Status(int64_t now_ns) const {
  const auto parts = parts_.Load();
  ShardStatus status;
  status.database = known_.database;
  status.shard = known_.shard;
  status.range = known_.range;
  status.series = index_->series_count();
  status.disk_bytes = index_->disk_bytes();
  status.files = parts->files.size();
  for (const auto& part : parts->files) {
    status.disk_bytes += part.file.info.bytes;
    if (part.rollup != nullptr) status.disk_bytes += part.rollup->bytes();
  }
  status.cache_bytes = parts->active->empty() ? 0 : parts->active->bytes();
  for (const auto& frozen : parts->frozen) status.cache_bytes += frozen.cache->bytes();
  status.folder = folder_;
  status.frozen_caches = parts->frozen.size();
  status.writes = writes_.load(std::memory_order_relaxed);
  status.points_written = points_written_.load(std::memory_order_relaxed);
  status.points_dropped = points_dropped_.load(std::memory_order_relaxed);
  if (status.writes != 0) status.cache_age_ns = std::max<int64_t>(0, now_ns - last_write_ns());
  status.activity = activity_.Read();
  return status;
}

void Shard::NoteResult(bool ok, int64_t now_ns) {
  if (ok) {
    retry_delay_ns_ = 0;
    retry_after_ns_ = 0;
    return;
  }
  retry_delay_ns_ = std::clamp(retry_delay_ns_.load() * 2, kFirstRetryNs, kLongestRetryNs);
  retry_after_ns_ = now_ns + retry_delay_ns_.load();
}

void Shard::Retire() {
  retired_ = true;
  cancel_compaction_ = true;
  absl::MutexLock flush(&flush_mu_);
  absl::MutexLock compact(&compact_mu_);
}

}  // namespace varve::engine
