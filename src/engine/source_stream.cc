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

bool IsNumber(FieldType type) {
  return type == FieldType::kFloat || type == FieldType::kInteger || type == FieldType::kUnsigned;
}

// Whether statistics of values of `type` say all of what a reader of the values would learn.
bool CanAnswer(FieldType type, const FieldRequest& wanted) {
  if (type == wanted.type) return IsNumber(type) || wanted.count_only;
  return !CanConvert(type, wanted.type);
}

}  // namespace

void SourceStream::Start(size_t pieces, std::span<const model::TimeRange> deleted) {
  deleted_.assign(deleted.begin(), deleted.end());
  wanted_ = plan_.options.range;
  pieces_ = pieces;
  next_ = 0;
  is_loaded_ = false;
  resume_ = kEndKey;
  decoded_chunk_ = SIZE_MAX;
  FindHead();
}

bool SourceStream::OpenFile(tsm::FileReader::Cursor& cursor, tsm::RollupReader::Cursor* rollup,
                            model::SeriesId series, std::span<const model::TimeRange> deleted) {
  cursor_ = &cursor;
  rollup_ = rollup;
  rollup_sought_ = false;
  series_ = series;
  Start(cursor.chunks().size(), deleted);
  return head_ != kEndKey;
}

bool SourceStream::OpenCache(const CacheSeries& series, CacheEpoch epoch,
                             std::span<const model::TimeRange> deleted) {
  cursor_ = nullptr;
  rollup_ = nullptr;
  if (!cache_rows_.Open(series, epoch)) return false;
  Start(cache_rows_.pieces().size(), deleted);
  return head_ != kEndKey;
}

model::TimeRange SourceStream::PieceRange(size_t piece) const {
  return cursor_ != nullptr ? cursor_->chunks()[piece].range : cache_rows_.pieces()[piece].range;
}

void SourceStream::FindHead() {
  if (wanted_.empty()) next_ = pieces_;
  for (; next_ < pieces_; ++next_) {
    const model::TimeRange range = PieceRange(PieceIndex());
    if (!range.Overlaps(wanted_)) continue;
    head_ = std::max(plan_.FirstKey(range), plan_.FirstKey(wanted_));
    return;
  }
  head_ = kEndKey;
}

int64_t SourceStream::piece_last_key() const { return plan_.LastKey(PieceRange(PieceIndex())); }

void SourceStream::SkipPiece() {
  // An hour that begins in this piece is not whole any more.
  if (rollup_ != nullptr) wanted_.min_ns = std::max(wanted_.min_ns, piece_last_key() + 1);
  ++next_;
  FindHead();
}

void SourceStream::PassBefore(int64_t key) {
  if (plan_.options.descending) {
    wanted_.max_ns = ~key;
  } else {
    wanted_.min_ns = key;
  }
  FindHead();
}

bool SourceStream::IsDeleted(const model::TimeRange& range) const {
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [&](const auto& deleted) { return deleted.Overlaps(range); });
}

bool SourceStream::IsDeletedAt(int64_t time) const {
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [time](const auto& range) { return range.Contains(time); });
}

bool SourceStream::SeekRollup() {
  if (rollup_ == nullptr) return false;
  if (rollup_sought_) return true;
  rollup_sought_ = true;
  const absl::StatusOr<bool> found = rollup_->Seek(series_);
  if (!found.ok()) plan_.rollup_damage = found.status();
  if (!found.ok() || !*found) {
    rollup_ = nullptr;
    return false;
  }
  rollup_columns_.clear();
  for (const auto& field : plan_.options.fields) {
    rollup_columns_.push_back(rollup_->Find(field.field));
  }
  hour_ = 0;
  return true;
}

SourceStream::HourUse SourceStream::LookAtHour(size_t hour, int64_t next_head,
                                               model::TimeRange* rows) const {
  *rows = {model::kMaxTimeNs, model::kMinTimeNs};
  for (size_t i = 0; i < rollup_columns_.size(); ++i) {
    const tsm::RollupColumn* column = rollup_columns_[i];
    if (column == nullptr || column->spans[hour].count == 0) continue;
    const FieldRequest& field = plan_.options.fields[i];
    if (!CanAnswer(column->type, field)) return HourUse::kRows;
    if (column->type != field.type) continue;
    rows->min_ns = std::min(rows->min_ns, column->spans[hour].first_time);
    rows->max_ns = std::max(rows->max_ns, column->spans[hour].last_time);
  }
  if (rows->empty() || !rows->Overlaps(wanted_)) return HourUse::kNothing;
  const int64_t start = rollup_->hours()[hour];
  if (!wanted_.Contains(*rows) || rows->max_ns >= next_head ||
      IsDeleted({start, start + tsm::kRollupSpanNs - 1}) ||
      plan_.options.window_end(rows->min_ns) < rows->max_ns) {
    return HourUse::kRows;
  }
  return HourUse::kAnswers;
}

bool SourceStream::TakeHour(int64_t next_head, ScanStep* step) {
  if (!SeekRollup()) return false;
  const std::span<const int64_t> hours = rollup_->hours();
  while (hour_ < hours.size() && hours[hour_] + tsm::kRollupSpanNs <= head_) ++hour_;
  for (; hour_ < hours.size() && head_ != kEndKey; ++hour_) {
    model::TimeRange rows;
    const HourUse use = LookAtHour(hour_, next_head, &rows);
    if (use == HourUse::kRows) return false;
    PassBefore(hours[hour_] + tsm::kRollupSpanNs);
    if (use == HourUse::kNothing) continue;
    step->kind = ScanStep::Kind::kStatistics;
    step->range = rows;
    step->statistics.assign(rollup_columns_.size(), {});
    for (size_t i = 0; i < rollup_columns_.size(); ++i) {
      const tsm::RollupColumn* column = rollup_columns_[i];
      if (column == nullptr || column->type != plan_.options.fields[i].type) continue;
      step->statistics[i] = column->spans[hour_];
      if (column->spans[hour_].count > 0) ++plan_.counters.hours_from_rollups;
    }
    ++hour_;
    return true;
  }
  if (hour_ == hours.size()) PassBefore(model::kMaxTimeNs + 1);  // there are no more rows
  return false;
}

int64_t SourceStream::NextAnswer(const model::TimeRange& piece) {
  if (!SeekRollup()) return kEndKey;
  const std::span<const int64_t> hours = rollup_->hours();
  for (size_t hour = hour_; hour < hours.size() && hours[hour] <= piece.max_ns; ++hour) {
    model::TimeRange rows;
    if (hours[hour] > head_ && LookAtHour(hour, kEndKey, &rows) == HourUse::kAnswers) {
      return hours[hour];
    }
  }
  return kEndKey;
}

bool SourceStream::IsUnwanted() {
  const ScanOptions& options = plan_.options;
  if (cursor_ == nullptr || !options.may_want) return false;
  const tsm::ChunkMeta& chunk = cursor_->chunks()[PieceIndex()];
  known_.assign(options.fields.size(), {});
  uint64_t blocks = 0;
  for (size_t i = 0; i < options.fields.size(); ++i) {
    const tsm::ColumnMeta* column = FindColumn(chunk, options.fields[i].field);
    if (column == nullptr) continue;
    ++blocks;
    if (column->type == options.fields[i].type) {
      known_[i] = column->statistics;
    } else if (CanConvert(column->type, options.fields[i].type)) {
      known_[i].count = column->statistics.count;
    }
  }
  if (options.may_want(known_)) return false;
  plan_.counters.blocks_left_out += blocks;
  return true;
}

bool SourceStream::Statistics(ScanStep* step) {
  const ScanOptions& options = plan_.options;
  if (cursor_ == nullptr || !options.window_end) return false;
  const tsm::ChunkMeta& chunk = cursor_->chunks()[PieceIndex()];
  if (!wanted_.Contains(chunk.range) || IsDeleted(chunk.range)) return false;
  bool any = false;
  for (const auto& field : options.fields) {
    const tsm::ColumnMeta* column = FindColumn(chunk, field.field);
    if (column == nullptr) continue;
    if (!CanAnswer(column->type, field)) return false;
    any |= column->type == field.type;
  }
  const int64_t window_end = any ? options.window_end(chunk.range.min_ns) : 0;
  if (!any || window_end < chunk.range.max_ns) return false;
  // Where a window ends before the rows do, hours come sooner or later, and the one this piece ends
  // in would not be whole any more.
  const int64_t last = std::min(PieceRange(pieces_ - 1).max_ns, wanted_.max_ns);
  if (window_end < last && SeekRollup()) return false;
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

absl::Status SourceStream::LoadTimes(size_t chunk_index, size_t* rows) {
  RETURN_IF_ERROR(cursor_->ReadTimesUpTo(chunk_index, wanted_.max_ns, &times_));
  const auto end = std::upper_bound(times_.begin(), times_.end(), wanted_.max_ns);
  *rows = static_cast<size_t>(end - times_.begin());
  decoded_.rows = *rows;
  decoded_.times = times_.data();
  return absl::OkStatus();
}

const tsm::ColumnMeta* SourceStream::ReadableColumn(const tsm::ChunkMeta& chunk,
                                                    size_t field) const {
  const FieldRequest& wanted = plan_.options.fields[field];
  const tsm::ColumnMeta* meta = FindColumn(chunk, wanted.field);
  return meta != nullptr && CanConvert(meta->type, wanted.type) ? meta : nullptr;
}

absl::Status SourceStream::LoadColumns(size_t chunk_index, Which which, size_t rows) {
  const ScanOptions& options = plan_.options;
  const tsm::ChunkMeta& chunk = cursor_->chunks()[chunk_index];
  const auto is_meant = [&](size_t field) {
    return which == Which::kAll || options.deciding[field] == (which == Which::kDeciding);
  };
  announced_.clear();
  for (size_t i = 0; i < options.fields.size(); ++i) {
    const tsm::ColumnMeta* meta = is_meant(i) ? ReadableColumn(chunk, i) : nullptr;
    if (meta != nullptr) announced_.push_back(static_cast<size_t>(meta - chunk.columns.data()));
  }
  cursor_->Announce(chunk_index, announced_, rows);
  for (size_t i = 0; i < options.fields.size(); ++i) {
    if (is_meant(i)) RETURN_IF_ERROR(LoadColumn(chunk_index, i, rows));
  }
  return absl::OkStatus();
}

absl::Status SourceStream::LoadColumn(size_t chunk_index, size_t field, size_t rows) {
  const tsm::ChunkMeta& chunk = cursor_->chunks()[chunk_index];
  const FieldRequest& wanted = plan_.options.fields[field];
  const tsm::ColumnMeta* meta = ReadableColumn(chunk, field);
  if (meta == nullptr) return absl::OkStatus();
  const auto place = static_cast<size_t>(meta - chunk.columns.data());
  Column& column = columns_[field];
  RETURN_IF_ERROR(cursor_->ReadColumnUpTo(chunk_index, place, rows, &column.decoded));
  ++plan_.counters.blocks_decoded;
  plan_.counters.block_bytes += meta->bytes;
  decoded_.columns[field] = column.decoded.View();
  if (meta->type != wanted.type) {
    column.converted.Convert(decoded_.columns[field], rows, wanted.type);
    decoded_.columns[field] = column.converted.View();
  }
  return absl::OkStatus();
}

absl::Status SourceStream::LoadChunk(size_t chunk_index) {
  if (decoded_chunk_ == chunk_index) return absl::OkStatus();
  decoded_chunk_ = SIZE_MAX;
  const tsm::ChunkMeta& chunk = cursor_->chunks()[chunk_index];
  const auto& fields = plan_.options.fields;
  decoded_.rows = 0;
  decoded_.columns.assign(fields.size(), ColumnVector{});
  bool any = false;
  for (size_t i = 0; i < fields.size(); ++i) any = any || ReadableColumn(chunk, i) != nullptr;
  if (any) {
    // What is wanted of a chunk never grows, so what is left out now is not asked for later.
    size_t rows = 0;
    RETURN_IF_ERROR(LoadTimes(chunk_index, &rows));
    RETURN_IF_ERROR(LoadColumns(chunk_index, Which::kAll, rows));
  }
  decoded_chunk_ = chunk_index;
  return absl::OkStatus();
}

absl::Status SourceStream::LoadChosen(size_t chunk_index) {
  decoded_chunk_ = SIZE_MAX;
  const ScanOptions& options = plan_.options;
  decoded_.columns.assign(options.fields.size(), ColumnVector{});
  size_t rows = 0;
  RETURN_IF_ERROR(LoadTimes(chunk_index, &rows));
  RETURN_IF_ERROR(LoadColumns(chunk_index, Which::kDeciding, rows));
  const bool deleted = IsDeleted(cursor_->chunks()[chunk_index].range);
  const auto first = std::lower_bound(times_.begin(), times_.end(), wanted_.min_ns);
  kept_.clear();
  slices_.resize(options.fields.size());
  model::ColumnBatch part;
  part.columns.resize(options.fields.size());
  uint8_t mask[model::kBatchRows];
  for (auto at = static_cast<size_t>(first - times_.begin()); at < rows; at += part.rows) {
    part.rows = std::min(rows - at, model::kBatchRows);
    part.times = times_.data() + at;
    for (size_t i = 0; i < part.columns.size(); ++i) {
      slices_[i].Slice(decoded_.columns[i], at, part.rows);
      part.columns[i] = slices_[i].View();
    }
    options.choose(part, mask);
    for (size_t i = 0; i < part.rows; ++i) {
      if (mask[i] != 0) kept_.push_back(static_cast<uint32_t>(at + i));
    }
  }
  if (deleted) std::erase_if(kept_, [&](uint32_t row) { return IsDeletedAt(times_[row]); });
  batch_ = decoded_;
  batch_.rows = 0;
  if (kept_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(LoadColumns(chunk_index, Which::kOthers, kept_.back() + 1));
  batch_ = decoded_;
  std::erase_if(kept_, [this](uint32_t row) { return !HasValue(row); });
  if (options.descending) std::reverse(kept_.begin(), kept_.end());
  GatherKept();
  return absl::OkStatus();
}

bool SourceStream::LoadEdge(size_t chunk_index) {
  const tsm::ChunkMeta& chunk = cursor_->chunks()[chunk_index];
  const bool descending = plan_.options.descending;
  const int64_t time = descending ? chunk.range.max_ns : chunk.range.min_ns;
  if (!wanted_.Contains(time) || IsDeleted({time, time})) return false;
  const auto& fields = plan_.options.fields;
  edge_.resize(fields.size());
  bool any = false;
  for (size_t i = 0; i < fields.size(); ++i) {
    const tsm::ColumnMeta* column = FindColumn(chunk, fields[i].field);
    edge_[i].Reset(fields[i].type);
    const model::FieldStatistics* s = column == nullptr ? nullptr : &column->statistics;
    const bool here = s != nullptr && (descending ? s->last_time : s->first_time) == time &&
                      (column->type == fields[i].type || CanConvert(column->type, fields[i].type));
    if (!here) {
      edge_[i].AppendNull();
      continue;
    }
    const model::FieldValue& value = descending ? s->last : s->first;
    if (column->type != fields[i].type || value.is_null()) return false;
    edge_[i].Append(value);
    any = true;
  }
  if (!any) return false;
  edge_time_ = time;
  batch_.rows = 1;
  batch_.times = &edge_time_;
  batch_.columns.clear();
  for (const auto& column : edge_) batch_.columns.push_back(column.View());
  position_ = 0;
  resume_ = plan_.KeyOf(time) + 1;
  is_loaded_ = true;
  head_ = plan_.KeyOf(time);
  return true;
}

absl::Status SourceStream::Load(bool alone) {
  const size_t piece = PieceIndex();
  if (plan_.options.few_rows && cursor_ != nullptr && LoadEdge(piece)) return absl::OkStatus();
  const model::TimeRange range = PieceRange(piece);
  columns_.resize(plan_.options.fields.size());
  resume_ = kEndKey;
  position_ = 0;
  if (cursor_ != nullptr && alone && plan_.options.choose) {
    RETURN_IF_ERROR(LoadChosen(piece));
  } else {
    if (cursor_ != nullptr) {
      RETURN_IF_ERROR(LoadChunk(piece));
      batch_ = decoded_;
      resume_ = NextAnswer(range);
    } else {
      cache_rows_.Load(piece, plan_.options.fields, &cache_columns_, &batch_);
    }
    if (batch_.rows != 0) Filter(range);
  }
  if (resume_ != kEndKey) {
    const int64_t* end = batch_.times + batch_.rows;
    const int64_t* stop = std::lower_bound(batch_.times + position_, end, resume_);
    batch_.rows = static_cast<size_t>(stop - batch_.times);
  }
  is_loaded_ = true;
  if (position_ == batch_.rows) {
    Leave();
  } else {
    head_ = plan_.KeyOf(batch_.times[position_]);
  }
  return absl::OkStatus();
}

void SourceStream::Leave() {
  is_loaded_ = false;
  if (resume_ == kEndKey) {
    SkipPiece();
  } else {
    PassBefore(resume_);
  }
}

bool SourceStream::HasValue(size_t row) const {
  return std::any_of(batch_.columns.begin(), batch_.columns.end(), [row](const ColumnVector& c) {
    return c.type != FieldType::kNone && c.IsValid(row);
  });
}

void SourceStream::Filter(const model::TimeRange& piece) {
  const bool descending = plan_.options.descending;
  const bool cut = !wanted_.Contains(piece);
  const bool deleted = IsDeleted(piece);
  // A column without nulls answers for every row.
  const bool sparse = std::none_of(
      batch_.columns.begin(), batch_.columns.end(),
      [](const ColumnVector& c) { return c.type != FieldType::kNone && c.validity == nullptr; });
  if (!deleted && !sparse && !descending) {
    if (!cut) return;
    const int64_t* end = batch_.times + batch_.rows;
    const int64_t* first = std::lower_bound(batch_.times, end, wanted_.min_ns);
    position_ = static_cast<size_t>(first - batch_.times);
    batch_.rows = static_cast<size_t>(std::upper_bound(first, end, wanted_.max_ns) - batch_.times);
    return;
  }

  kept_.clear();
  for (uint32_t row = 0; row < batch_.rows; ++row) {
    const int64_t time = batch_.times[row];
    if (cut && !wanted_.Contains(time)) continue;
    if (deleted && IsDeletedAt(time)) continue;
    if (sparse && !HasValue(row)) continue;
    kept_.push_back(row);
  }
  if (kept_.size() == batch_.rows && !descending) return;
  if (descending) std::reverse(kept_.begin(), kept_.end());
  GatherKept();
}

void SourceStream::GatherKept() {
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
  Leave();
}

}  // namespace varve::engine
