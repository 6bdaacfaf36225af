#include "engine/series_scanner.h"

#include <algorithm>

#include "base/status.h"

namespace varve::engine {
namespace {

using model::ColumnVector;
using model::FieldType;

// A stretch of one source shorter than this is merged row by row with the others.
constexpr size_t kRunRowsMin = 32;

}  // namespace

SeriesScanner::SeriesScanner(std::shared_ptr<const void> owner,
                             std::span<const ShardSnapshot> shards, const ScanOptions& options,
                             DamageList& damage)
    : owner_(std::move(owner)), damage_(damage) {
  plan_.options = options;
  for (const ShardSnapshot& snapshot : shards) {
    if (!snapshot.shard.range.Overlaps(options.range)) continue;
    shards_.push_back({&snapshot, {}, {}});
    shards_.back().cursors.resize(snapshot.parts->files.size());
    shards_.back().rollups.resize(snapshot.parts->files.size());
  }
  if (options.descending) std::reverse(shards_.begin(), shards_.end());
  for (const FieldRequest& request : options.fields) fields_.push_back(request.field);
  std::sort(fields_.begin(), fields_.end());
  fields_.erase(std::unique(fields_.begin(), fields_.end()), fields_.end());
  slices_.resize(options.fields.size());
  merged_.resize(options.fields.size());
}

absl::Status SeriesScanner::Seek(model::SeriesId series) {
  series_ = series;
  next_shard_ = 0;
  open_ = 0;
  return absl::OkStatus();
}

SourceStream& SeriesScanner::NextStream() {
  if (open_ == streams_.size()) streams_.push_back(std::make_unique<SourceStream>(plan_));
  return *streams_[open_];
}

void SeriesScanner::FindDeleted(const ShardSnapshot& snapshot, uint64_t sequence) {
  deleted_.clear();
  if (!snapshot.parts->tombstones.empty()) {
    tsm::DeletedRanges(snapshot.parts->tombstones, series_, sequence, &deleted_);
  }
}

absl::Status SeriesScanner::OpenFile(ShardSources& shard, size_t file) {
  const FilePart& part = shard.snapshot->parts->files[file];
  if (series_ < part.file.info.min_series || series_ > part.file.info.max_series ||
      !part.file.info.range.Overlaps(plan_.options.range)) {
    return absl::OkStatus();
  }
  if (part.reader == nullptr) return part.damage;
  auto& cursor = shard.cursors[file];
  if (cursor == nullptr) {
    cursor = part.reader->NewCursor();
    cursor->SelectFields(fields_);
  }
  ASSIGN_OR_RETURN(const bool found, cursor->Seek(series_));
  if (!found) return absl::OkStatus();
  FindDeleted(*shard.snapshot, part.file.sequence);
  if (NextStream().OpenFile(*cursor, RollupOf(shard, file), series_, deleted_)) ++open_;
  return absl::OkStatus();
}

tsm::RollupReader::Cursor* SeriesScanner::RollupOf(ShardSources& shard, size_t file) {
  const ScanOptions& options = plan_.options;
  const auto& rollup = shard.snapshot->parts->files[file].rollup;
  if (!options.hours || options.descending || rollup == nullptr || rollup->damaged()) {
    return nullptr;
  }
  auto& cursor = shard.rollups[file];
  if (cursor == nullptr) {
    cursor = rollup->NewCursor();
    cursor->SelectFields(fields_);
    cursor->SelectTimes(options.range);
  }
  return cursor.get();
}

void SeriesScanner::OpenCache(const ShardSnapshot& snapshot, const Cache& cache, CacheEpoch epoch) {
  const CacheSeries* found = cache.Find(series_);
  if (found == nullptr) return;
  FindDeleted(snapshot, cache.sequence());
  if (NextStream().OpenCache(*found, epoch, deleted_)) ++open_;
}

absl::Status SeriesScanner::OpenShard(ShardSources& shard) {
  const ShardSnapshot& snapshot = *shard.snapshot;
  open_ = 0;
  RETURN_IF_ERROR(snapshot.damage);
  for (size_t file = 0; file < snapshot.parts->files.size(); ++file) {
    RETURN_IF_ERROR(OpenFile(shard, file));
  }
  for (const auto& frozen : snapshot.parts->frozen) {
    OpenCache(snapshot, *frozen.cache, kAllRecords);
  }
  OpenCache(snapshot, *snapshot.parts->active, snapshot.epoch);
  return absl::OkStatus();
}

size_t SeriesScanner::FirstSource(int64_t* next_head) const {
  size_t first = 0;
  int64_t least = kEndKey;
  int64_t second = kEndKey;
  for (size_t i = 0; i < open_; ++i) {
    const int64_t head = streams_[i]->head();
    if (head < least) {
      second = least;
      least = head;
      first = i;
    } else if (head < second) {
      second = head;
    }
  }
  *next_head = second;
  return first;
}

absl::Status SeriesScanner::Next(ScanStep* step) {
  absl::Status status = Advance(step);
  if (!status.ok()) damage_.Note(status);
  if (!plan_.rollup_damage.ok()) {
    damage_.Note(plan_.rollup_damage);
    plan_.rollup_damage = absl::OkStatus();
  }
  return status;
}

absl::Status SeriesScanner::Advance(ScanStep* step) {
  while (true) {
    int64_t next_head;
    const size_t first = FirstSource(&next_head);
    if (open_ == 0 || streams_[first]->head() == kEndKey) {
      if (next_shard_ == shards_.size()) {
        step->kind = ScanStep::Kind::kEnd;
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(OpenShard(shards_[next_shard_++]));
      continue;
    }
    SourceStream& source = *streams_[first];
    if (!source.is_loaded()) {
      const bool alone = source.piece_last_key() < next_head;
      if (alone) {  // no other source has a say in its rows
        if (source.IsUnwanted()) {
          source.SkipPiece();
          continue;
        }
        if (source.Statistics(step)) {
          source.SkipPiece();
          return absl::OkStatus();
        }
      }
      const int64_t head = source.head();
      if (source.TakeHour(next_head, step)) return absl::OkStatus();
      if (source.head() == head) RETURN_IF_ERROR(source.Load(alone));
      continue;
    }
    const size_t run = source.RowsBefore(next_head);
    if (run >= kRunRowsMin || run == source.rows() - source.position()) {
      EmitSlice(source, std::min(run, model::kBatchRows), step);
      return absl::OkStatus();
    }
    if (EmitMerged(step)) return absl::OkStatus();
    // The next row may be in a source that is not loaded yet and has the same least key.
    for (size_t i = 0; i < open_; ++i) {
      SourceStream& other = *streams_[i];
      if (!other.is_loaded() && other.head() <= source.head()) {
        RETURN_IF_ERROR(other.Load(/*alone=*/false));
        break;
      }
    }
  }
}

void SeriesScanner::EmitSlice(SourceStream& source, size_t rows, ScanStep* step) {
  const model::ColumnBatch& batch = source.batch();
  const size_t begin = source.position();
  step->kind = ScanStep::Kind::kRows;
  step->rows.rows = rows;
  step->rows.times = batch.times + begin;
  step->rows.columns.resize(batch.columns.size());
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    if (begin == 0) {
      step->rows.columns[i] = batch.columns[i];
    } else {
      slices_[i].Slice(batch.columns[i], begin, rows);
      step->rows.columns[i] = slices_[i].View();
    }
  }
  plan_.counters.rows += rows;
  source.Advance(rows);
}

bool SeriesScanner::EmitMerged(ScanStep* step) {
  merged_times_.clear();
  merged_ends_.clear();
  picks_.clear();
  while (merged_times_.size() < model::kBatchRows) {
    int64_t next_head;
    const int64_t key = streams_[FirstSource(&next_head)]->head();
    if (key == kEndKey) break;
    bool loaded = true;
    for (size_t i = 0; loaded && i < open_; ++i) {
      loaded = streams_[i]->head() != key || streams_[i]->is_loaded();
    }
    if (!loaded) break;
    for (size_t i = open_; i-- > 0;) {  // newest first
      SourceStream& source = *streams_[i];
      if (source.head() != key) continue;
      picks_.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(source.position())});
      source.Advance(1);
    }
    merged_times_.push_back(plan_.KeyOf(key));
    merged_ends_.push_back(static_cast<uint32_t>(picks_.size()));
  }
  const size_t rows = merged_times_.size();
  if (rows == 0) return false;
  step->kind = ScanStep::Kind::kRows;
  step->rows.rows = rows;
  step->rows.times = merged_times_.data();
  step->rows.columns.resize(merged_.size());
  for (size_t c = 0; c < merged_.size(); ++c) {
    WorkColumn& out = merged_[c];
    const FieldType type = plan_.options.fields[c].type;
    out.Prepare(type, rows);
    uint64_t* validity = out.PrepareValidity(rows);
    size_t pick = 0;
    for (size_t row = 0; row < rows; ++row) {
      for (; pick < merged_ends_[row]; ++pick) {
        const Pick& from = picks_[pick];
        const ColumnVector& column = streams_[from.source]->batch().columns[c];
        if (column.type == FieldType::kNone || !column.IsValid(from.row)) continue;
        if (type == FieldType::kBoolean) {
          out.booleans()[row] = column.booleans[from.row];
        } else if (type == FieldType::kString) {
          out.strings()[row] = column.strings[from.row];
        } else {
          out.words()[row] = static_cast<const RawWord*>(column.data)[from.row];
        }
        validity[row / 64] |= uint64_t{1} << (row % 64);
        break;
      }
      pick = merged_ends_[row];
    }
    step->rows.columns[c] = out.View();
  }
  plan_.counters.rows += rows;
  return true;
}

}  // namespace varve::engine
