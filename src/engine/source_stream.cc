#include "engine/source_stream.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"

namespace varve::engine {
namespace {

using model::ColumnVector;
using model::FieldType;

const tsm::ColumnMeta* FindColumn(const tsm::ChunkMeta& chunk, model::FieldId field) {
  const auto at = std::lower_bound(
      chunk.columns.begin(), chunk.columns.end(), field,
      [](const tsm::ColumnMeta& column, model::FieldId id) { return column.field < id; });
  return at == chunk.columns.end() || at->field != field ? nullptr : &*at;
}

// Whether a block's statistics say all of what a reader of the block would learn.
bool CanAnswer(const tsm::ColumnMeta& column, FieldType wanted) {
  if (column.type == wanted) return wanted != FieldType::kString;
  return !CanConvert(column.type, wanted);
}

}  // namespace

void SourceStream::Start(size_t pieces, std::span<const model::TimeRange> deleted) {
  deleted_.assign(deleted.begin(), deleted.end());
  pieces_ = pieces;
  next_ = 0;
  is_loaded_ = false;
  FindHead();
}

bool SourceStream::OpenFile(tsm::FileReader::Cursor& cursor,
                            std::span<const model::TimeRange> deleted) {
  cursor_ = &cursor;
  Start(cursor.chunks().size(), deleted);
  return head_ != kEndKey;
}

bool SourceStream::OpenCache(const CacheSeries& series, CacheEpoch epoch,
                             std::span<const model::TimeRange> deleted) {
  cursor_ = nullptr;
  if (!cache_rows_.Open(series, epoch)) return false;
  Start(cache_rows_.pieces().size(), deleted);
  return head_ != kEndKey;
}

model::TimeRange SourceStream::PieceRange(size_t piece) const {
  return cursor_ != nullptr ? cursor_->chunks()[piece].range : cache_rows_.pieces()[piece].range;
}

void SourceStream::FindHead() {
  const model::TimeRange& wanted = plan_.options.range;
  for (; next_ < pieces_; ++next_) {
    const model::TimeRange range = PieceRange(PieceIndex());
    if (!range.Overlaps(wanted)) continue;
    head_ = std::max(plan_.FirstKey(range), plan_.FirstKey(wanted));
    return;
  }
  head_ = kEndKey;
}

int64_t SourceStream::piece_last_key() const { return plan_.LastKey(PieceRange(PieceIndex())); }

void SourceStream::SkipPiece() {
  ++next_;
  FindHead();
}

bool SourceStream::Statistics(ScanStep* step) {
  const ScanOptions& options = plan_.options;
  if (cursor_ == nullptr || !options.window_end) return false;
  const tsm::ChunkMeta& chunk = cursor_->chunks()[PieceIndex()];
  if (!options.range.Contains(chunk.range)) return false;
  for (const auto& deleted : deleted_) {
    if (deleted.Overlaps(chunk.range)) return false;
  }
  bool any = false;
  for (const auto& field : options.fields) {
    const tsm::ColumnMeta* column = FindColumn(chunk, field.field);
    if (column == nullptr) continue;
    if (!CanAnswer(*column, field.type)) return false;
    any |= column->type == field.type;
  }
  if (!any || options.window_end(chunk.range.min_ns) < chunk.range.max_ns) return false;
  step->kind = ScanStep::Kind::kStatistics;
  step->range = chunk.range;
  step->statistics.assign(options.fields.size(), {});
  for (size_t i = 0; i < options.fields.size(); ++i) {
    const tsm::ColumnMeta* column = FindColumn(chunk, options.fields[i].field);
    if (column == nullptr || column->type != options.fields[i].type) continue;
    step->statistics[i] = column->statistics;
    ++plan_.counters.blocks_from_statistics;
  }
  return true;
}

absl::Status SourceStream::LoadChunk(size_t chunk_index) {
  const tsm::ChunkMeta& chunk = cursor_->chunks()[chunk_index];
  const auto& fields = plan_.options.fields;
  batch_.rows = 0;
  batch_.columns.assign(fields.size(), ColumnVector{});
  bool any = false;
  for (size_t i = 0; i < fields.size(); ++i) {
    const tsm::ColumnMeta* meta = FindColumn(chunk, fields[i].field);
    if (meta == nullptr || !CanConvert(meta->type, fields[i].type)) continue;
    const auto column = static_cast<size_t>(meta - chunk.columns.data());
    RETURN_IF_ERROR(cursor_->ReadColumn(chunk_index, column, &columns_[i].decoded));
    ++plan_.counters.blocks_decoded;
    plan_.counters.block_bytes += meta->bytes;
    any = true;
    batch_.columns[i] = columns_[i].decoded.View();
    if (meta->type != fields[i].type) {
      columns_[i].converted.Convert(batch_.columns[i], chunk.rows, fields[i].type);
      batch_.columns[i] = columns_[i].converted.View();
    }
  }
  if (!any) return absl::OkStatus();
  RETURN_IF_ERROR(cursor_->ReadTimes(chunk_index, &times_));
  batch_.rows = times_.size();
  batch_.times = times_.data();
  return absl::OkStatus();
}

absl::Status SourceStream::Load() {
  const size_t piece = PieceIndex();
  columns_.resize(plan_.options.fields.size());
  if (cursor_ != nullptr) {
    RETURN_IF_ERROR(LoadChunk(piece));
  } else {
    cache_rows_.Load(piece, plan_.options.fields, &cache_columns_, &batch_);
  }
  position_ = 0;
  if (batch_.rows != 0) Filter(PieceRange(piece));
  if (position_ == batch_.rows) {
    SkipPiece();
    return absl::OkStatus();
  }
  is_loaded_ = true;
  head_ = plan_.KeyOf(batch_.times[position_]);
  return absl::OkStatus();
}

bool SourceStream::HasValue(size_t row) const {
  return std::any_of(batch_.columns.begin(), batch_.columns.end(), [row](const ColumnVector& c) {
    return c.type != FieldType::kNone && c.IsValid(row);
  });
}

void SourceStream::Filter(const model::TimeRange& piece) {
  const ScanOptions& options = plan_.options;
  const bool cut = !options.range.Contains(piece);
  const bool deleted = std::any_of(deleted_.begin(), deleted_.end(),
                                   [&](const auto& range) { return range.Overlaps(piece); });
  // A column without nulls answers for every row.
  const bool sparse = std::none_of(
      batch_.columns.begin(), batch_.columns.end(),
      [](const ColumnVector& c) { return c.type != FieldType::kNone && c.validity == nullptr; });
  if (!deleted && !sparse && !options.descending) {
    if (!cut) return;
    const int64_t* end = batch_.times + batch_.rows;
    const int64_t* first = std::lower_bound(batch_.times, end, options.range.min_ns);
    position_ = static_cast<size_t>(first - batch_.times);
    batch_.rows =
        static_cast<size_t>(std::upper_bound(first, end, options.range.max_ns) - batch_.times);
    return;
  }

  kept_.clear();
  for (uint32_t row = 0; row < batch_.rows; ++row) {
    const int64_t time = batch_.times[row];
    if (cut && !options.range.Contains(time)) continue;
    if (deleted && std::any_of(deleted_.begin(), deleted_.end(),
                               [time](const auto& range) { return range.Contains(time); })) {
      continue;
    }
    if (sparse && !HasValue(row)) continue;
    kept_.push_back(row);
  }
  if (kept_.size() == batch_.rows && !options.descending) return;
  if (options.descending) std::reverse(kept_.begin(), kept_.end());
  gathered_times_.resize(kept_.size());
  for (size_t i = 0; i < kept_.size(); ++i) gathered_times_[i] = batch_.times[kept_[i]];
  for (size_t i = 0; i < batch_.columns.size(); ++i) {
    columns_[i].gathered.Gather(batch_.columns[i], kept_);
    batch_.columns[i] = columns_[i].gathered.View();
  }
  batch_.rows = kept_.size();
  batch_.times = gathered_times_.data();
}

size_t SourceStream::RowsBefore(int64_t key) const {
  const size_t left = batch_.rows - position_;
  if (plan_.KeyOf(batch_.times[batch_.rows - 1]) < key) return left;
  const int64_t* begin = batch_.times + position_;
  const int64_t* at = std::partition_point(begin, batch_.times + batch_.rows,
                                           [&](int64_t time) { return plan_.KeyOf(time) < key; });
  return static_cast<size_t>(at - begin);
}

void SourceStream::Advance(size_t rows) {
  position_ += rows;
  if (position_ < batch_.rows) {
    head_ = plan_.KeyOf(batch_.times[position_]);
    return;
  }
  is_loaded_ = false;
  SkipPiece();
}

}  // namespace varve::engine
