#include "tsm/file_cursor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"
#include "tsm/file_reader.h"
#include "tsm/page_rows.h"

namespace varve::tsm {

namespace {

// Moves the first `count` strings to the column's own text.
void KeepText(DecodedColumn::State& state, size_t count) {
  state.text.clear();
  for (size_t i = 0; i < count; ++i) state.text.append(state.strings[i]);
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t n = state.strings[i].size();
    state.strings[i] = std::string_view(state.text).substr(at, n);
    at += n;
  }
}

// How many rows of regular times lie at `max_ns` or before it; all, where that takes no less.
uint32_t RegularRowsUpTo(const ChunkHead& head, int64_t max_ns) {
  if (max_ns >= head.range.max_ns || head.step_ns == 0) return head.rows;
  if (max_ns < head.range.min_ns) return 0;
  const uint64_t past = static_cast<uint64_t>(max_ns) - static_cast<uint64_t>(head.range.min_ns);
  return static_cast<uint32_t>(std::min<uint64_t>(past / head.step_ns + 1, head.rows));
}

// The first `rows` times: four at once, so that no sum waits for the one before.
void FillRegular(const ChunkHead& head, uint32_t rows, int64_t* times) {
  constexpr uint32_t kLanes = 4;
  uint64_t lanes[kLanes];
  for (uint32_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<uint64_t>(head.TimeOfRow(i));
  uint32_t row = 0;
  for (; row + kLanes <= rows; row += kLanes) {
    for (uint32_t i = 0; i < kLanes; ++i) {
      times[row + i] = static_cast<int64_t>(lanes[i]);
      lanes[i] += kLanes * head.step_ns;
    }
  }
  for (; row < rows; ++row) times[row] = head.TimeOfRow(row);
}

}  // namespace

FileCursor::FileCursor(std::shared_ptr<const FileReaderImpl> file)
    : file_(std::move(file)), bytes_(file_->bytes()) {}

void FileCursor::SelectFields(std::span<const model::FieldId> fields) {
  page_.Select(fields);
  selection_changed_ = true;
}

absl::Status FileCursor::Annotated(absl::Status status) const {
  return base::Annotate(status, "file=", file_->path());
}

absl::StatusOr<bool> FileCursor::LoadPage(uint64_t page) {
  page_loaded_ = false;
  pending_ = false;
  if (page >= file_->pages()) return false;
  absl::Status status =
      page_.Load(bytes_, file_->page(page), PageCache::OfProcess(), file_->number());
  if (!status.ok()) return Annotated(std::move(status));
  page_index_ = page;
  page_loaded_ = true;
  passed_series_ = 0;
  return true;
}

absl::StatusOr<bool> FileCursor::Seek(model::SeriesId series) {
  const uint64_t pages = file_->pages();
  if (series == series_ && series != model::kNoId && !selection_changed_) return true;
  const bool in_page = page_loaded_ && series >= file_->first_series(page_index_) &&
                       (page_index_ + 1 == pages || series < file_->first_series(page_index_ + 1));
  series_ = model::kNoId;
  chunk_count_ = 0;
  if (!in_page) {
    uint64_t page = page_loaded_ ? page_index_ + 1 : pages;
    const bool is_next = page < pages && series >= file_->first_series(page) &&
                         (page + 1 == pages || series < file_->first_series(page + 1));
    if (!is_next) page = file_->FindPage(series);
    if (page == pages) {  // below the first series
      page_loaded_ = false;
      page_index_ = 0;
      return false;
    }
    ASSIGN_OR_RETURN(const bool loaded, LoadPage(page));
    if (!loaded) return false;
  } else if (series < passed_series_) {
    page_.Rewind();
    pending_ = false;
  }
  while (true) {
    if (!pending_) {
      absl::StatusOr<bool> more = page_.Next(&pending_entry_);
      if (!more.ok()) return Annotated(more.status());
      if (!*more) return false;
      pending_ = true;
    }
    if (pending_entry_.series > series) return false;
    pending_ = false;
    passed_series_ = uint64_t{pending_entry_.series} + 1;
    if (pending_entry_.series == series) break;
  }
  RETURN_IF_ERROR(DecodeEntry(pending_entry_));
  return true;
}

absl::StatusOr<bool> FileCursor::NextSeries() {
  series_ = model::kNoId;
  chunk_count_ = 0;
  if (!page_loaded_) {
    ASSIGN_OR_RETURN(const bool loaded, LoadPage(page_index_));
    if (!loaded) return false;
  }
  while (!pending_) {
    absl::StatusOr<bool> more = page_.Next(&pending_entry_);
    if (!more.ok()) return Annotated(more.status());
    if (*more) break;
    if (page_index_ + 1 == file_->pages()) return false;
    ASSIGN_OR_RETURN(const bool loaded, LoadPage(page_index_ + 1));
    if (!loaded) return false;
  }
  pending_ = false;
  passed_series_ = uint64_t{pending_entry_.series} + 1;
  RETURN_IF_ERROR(DecodeEntry(pending_entry_));
  return true;
}

absl::Status FileCursor::DecodeEntry(const PageReader::Entry& entry) {
  chunk_count_ = 0;
  announced_.chunk = SIZE_MAX;
  selection_changed_ = false;
  column_states_.clear();
  base::ByteReader in(entry.bytes);
  int64_t base_ns = page_.base_ns();
  uint64_t data_at = entry.data_at;
  const uint64_t data_end = entry.data_at + entry.data_bytes;
  while (in.remaining() > 0) {
    if (!DecodeChunk(in, base_ns, data_at, data_end)) {
      chunk_count_ = 0;
      return Annotated(page_.Malformed());
    }
    const ChunkState& state = states_[chunk_count_ - 1];
    base_ns = state.head.range.max_ns;
    data_at += state.data_bytes;
  }
  if (data_at != data_end) {
    chunk_count_ = 0;
    return Annotated(page_.Malformed());
  }
  series_ = entry.series;
  return absl::OkStatus();
}

bool FileCursor::DecodeChunk(base::ByteReader& in, int64_t base_ns, uint64_t data_at,
                             uint64_t data_end) {
  if (chunk_count_ == chunks_.size()) {
    chunks_.emplace_back();
    states_.emplace_back();
  }
  ChunkState& state = states_[chunk_count_];
  ChunkMeta& meta = chunks_[chunk_count_];
  ++chunk_count_;
  if (!GetChunkHead(in, base_ns, &state.head) || state.head.layout >= page_.layouts().size()) {
    return false;
  }
  // The chunks of a series go up in time.
  if (chunk_count_ > 1 && state.head.range.min_ns <= base_ns) return false;
  state.data_at = data_at;
  state.data_bytes = 0;
  state.checked = false;
  state.first_column = column_states_.size();
  meta.columns.clear();
  const bool decoded =
      state.head.in_page ? DecodePageRows(in, state, meta) : DecodeRecords(in, state, meta);
  meta.range = state.head.range;
  meta.rows = state.head.rows;
  return decoded && state.data_bytes <= data_end - data_at;
}

bool FileCursor::DecodeRecords(base::ByteReader& in, ChunkState& state, ChunkMeta& meta) {
  const PageReader::Layout& layout = page_.layouts()[state.head.layout];
  const size_t start = in.offset();
  uint64_t bytes = state.head.time_block_bytes;
  if ((bytes == 0) != state.head.regular) return false;
  const char* const at = pending_entry_.bytes.data();
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    ColumnRecord record;
    if (layout.selected[i] == 0) {
      if (!SkipColumnRecord(in, &record)) return false;
    } else {
      ColumnMeta& column = meta.columns.emplace_back();
      column.field = layout.columns[i].field;
      column.type = layout.columns[i].type;
      if (!GetColumnRecord(in, column.type, state.head, &record, &column.statistics)) return false;
      column.offset = state.data_at + bytes;
      column.bytes = record.block_bytes;
      column_states_.push_back({record.checksum, {}, false});
    }
    bytes += record.block_bytes;
  }
  state.data_bytes = bytes;
  state.records = {at + start, in.offset() - start};
  return true;
}

bool FileCursor::DecodePageRows(base::ByteReader& in, ChunkState& state, ChunkMeta& meta) {
  const PageReader::Layout& layout = page_.layouts()[state.head.layout];
  if (state.head.rows > kInlineRows) return false;
  const size_t start = in.offset();
  if (state.head.regular) {
    for (uint32_t row = 0; row < state.head.rows; ++row)
      row_times_[row] = state.head.TimeOfRow(row);
  } else if (!GetPageTimes(in, &state.head, row_times_)) {
    return false;
  }
  state.in_page_times = {pending_entry_.bytes.data() + start, in.offset() - start};
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    std::string_view bytes;
    if (!in.GetString(&bytes)) return false;
    if (layout.selected[i] == 0) continue;
    ColumnMeta& column = meta.columns.emplace_back();
    column.field = layout.columns[i].field;
    column.type = layout.columns[i].type;
    column.offset = page_.offset();
    column.bytes = static_cast<uint32_t>(bytes.size());
    column_states_.push_back({0, bytes, false});
    if (!DecodePageColumn(bytes, state, column)) return false;
  }
  return true;
}

bool FileCursor::DecodePageColumn(std::string_view bytes, const ChunkState& state,
                                  ColumnMeta& column) {
  std::array<uint32_t, kInlineRows> rows;
  size_t count;
  if (!GetPageColumn(bytes, column.type, state.head.rows, &scratch_.state(), rows.data(), &count)) {
    return false;
  }
  const ColumnSummary summary = Summarize(ValuesOf(scratch_.state()), count, {rows.data(), count});
  column.statistics = ToStatistics(summary, [this](uint32_t row) { return row_times_[row]; });
  return true;
}

absl::Status FileCursor::CheckBytes(ChunkState& state, uint64_t offset, uint64_t bytes,
                                    uint32_t checksum) {
  if (state.head.block_checksums) {
    if (ShortChecksum(bytes_.substr(offset, bytes)) != checksum) {
      return Annotated(base::DataLoss("wrong tsm block checksum: offset=", offset));
    }
  } else if (!state.checked) {
    if (ShortChecksum(bytes_.substr(state.data_at, state.data_bytes)) !=
        state.head.chunk_checksum) {
      return Annotated(base::DataLoss("wrong tsm chunk checksum: offset=", state.data_at));
    }
    state.checked = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> FileCursor::ReadTimeBlock(size_t chunk) {
  ChunkState& state = states_[chunk];
  if (state.head.in_page) return state.in_page_times;
  if (state.head.regular) return std::string_view();
  RETURN_IF_ERROR(
      CheckBytes(state, state.data_at, state.head.time_block_bytes, state.head.time_checksum));
  return bytes_.substr(state.data_at, state.head.time_block_bytes);
}

absl::Status FileCursor::ReadTimesUpTo(size_t chunk, int64_t max_ns, std::vector<int64_t>* times) {
  const ChunkState& state = states_[chunk];
  const ChunkHead& head = state.head;
  if (head.regular) {
    times->resize(RegularRowsUpTo(head, max_ns));
    FillRegular(head, static_cast<uint32_t>(times->size()), times->data());
    return absl::OkStatus();
  }
  times->resize(head.rows);
  if (head.in_page) {
    base::ByteReader in(state.in_page_times);
    ChunkHead copy = head;
    return GetPageTimes(in, &copy, times->data()) ? absl::OkStatus() : Annotated(page_.Malformed());
  }
  ASSIGN_OR_RETURN(const std::string_view block, ReadTimeBlock(chunk));
  if (absl::Status status = DecodeTimes(block, *times); !status.ok()) {
    return Annotated(base::Annotate(status, "offset=", state.data_at));
  }
  const uint64_t span =
      static_cast<uint64_t>(head.range.max_ns) - static_cast<uint64_t>(head.range.min_ns);
  if (span <= static_cast<uint64_t>(INT64_MAX)) {
    for (int64_t& time : *times) {
      time = static_cast<int64_t>(static_cast<uint64_t>(time) +
                                  static_cast<uint64_t>(head.range.min_ns));
    }
  }
  if (times->front() != head.range.min_ns || times->back() != head.range.max_ns) {
    return Annotated(base::DataLoss("times disagree with the index: offset=", state.data_at));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> FileCursor::ReadBlock(size_t chunk, size_t column) {
  ChunkState& state = states_[chunk];
  const ColumnMeta& meta = chunks_[chunk].columns[column];
  ColumnState& column_state = column_states_[state.first_column + column];
  if (state.head.in_page) return column_state.in_page;
  if (!column_state.checked) {
    RETURN_IF_ERROR(CheckBytes(state, meta.offset, meta.bytes, column_state.checksum));
    column_state.checked = true;
  }
  return bytes_.substr(meta.offset, meta.bytes);
}

void FileCursor::Announce(size_t chunk, std::span<const size_t> columns, size_t rows) {
  announced_.chunk = SIZE_MAX;
  if (columns.size() < codec::EntropyGroup::kBlocksMin || !codec::EntropyGroup::IsSupported() ||
      states_[chunk].head.in_page) {
    return;
  }
  announced_.chunk = chunk;
  announced_.rows = rows;
  announced_.columns.assign(columns.begin(), columns.end());
  announced_.grouped.clear();
  announced_.next = 0;
}

void FileCursor::DecodeGroup(size_t first) {
  Announced& announced = announced_;
  announced.grouped.clear();
  if (group_ == nullptr) group_ = std::make_unique<codec::EntropyGroup>();
  group_->Clear();
  size_t& next = announced.next = first;
  for (; next < announced.columns.size() && group_->size() < codec::EntropyGroup::kBlocksMax;
       ++next) {
    const size_t column = announced.columns[next];
    const ColumnMeta& meta = chunks_[announced.chunk].columns[column];
    // What is wrong with a block is said when it is read.
    const absl::StatusOr<std::string_view> block = ReadBlock(announced.chunk, column);
    if (block.ok() && AddColumnBlock(*block, meta.type, chunks_[announced.chunk].rows,
                                     meta.statistics.count, announced.rows, *group_)) {
      announced.grouped.push_back(column);
    }
  }
  if (group_->size() < codec::EntropyGroup::kBlocksMin) {
    announced.grouped.clear();
  } else {
    group_->Decode();
  }
}

GroupPlace FileCursor::PlaceOf(size_t chunk, size_t column, size_t rows) {
  if (announced_.chunk != chunk || announced_.rows != rows) return {};
  const auto& columns = announced_.columns;
  const auto at = std::find(columns.begin(), columns.end(), column);
  if (const auto index = static_cast<size_t>(at - columns.begin());
      at != columns.end() && index >= announced_.next) {
    DecodeGroup(index);
  }
  const auto& grouped = announced_.grouped;
  const auto place = std::find(grouped.begin(), grouped.end(), column);
  if (place == grouped.end()) return {};
  return {group_.get(), static_cast<size_t>(place - grouped.begin())};
}

absl::Status FileCursor::ReadColumnUpTo(size_t chunk, size_t column, size_t wanted,
                                        DecodedColumn* out) {
  const ColumnMeta& meta = chunks_[chunk].columns[column];
  const uint32_t rows = chunks_[chunk].rows;
  ASSIGN_OR_RETURN(const std::string_view block, ReadBlock(chunk, column));
  if (states_[chunk].head.in_page) {
    std::array<uint32_t, kInlineRows> valid_rows;
    size_t count;
    if (!GetPageColumn(block, meta.type, rows, &out->state(), valid_rows.data(), &count)) {
      return Annotated(page_.Malformed());
    }
    // The page is unpacked over when the cursor moves; what is handed out lasts longer.
    if (meta.type == model::FieldType::kString) KeepText(out->state(), count);
    if (count != rows) out->state().Spread(rows, count);
    return absl::OkStatus();
  }
  absl::Status status = DecodeColumnBlock(block, meta.type, rows, meta.statistics.count,
                                          &out->state(), wanted, PlaceOf(chunk, column, wanted));
  return status.ok() ? status : Annotated(base::Annotate(status, "offset=", meta.offset));
}

absl::StatusOr<RawChunk> FileCursor::ReadRaw(size_t chunk) {
  ChunkState& state = states_[chunk];
  RawChunk raw;
  raw.head = state.head;
  raw.layout = layout(chunk);
  raw.records = state.records;
  raw.data = bytes_.substr(state.data_at, state.data_bytes);
  RETURN_IF_ERROR(ReadTimeBlock(chunk).status());
  for (size_t i = 0; i < chunks_[chunk].columns.size(); ++i) {
    RETURN_IF_ERROR(ReadBlock(chunk, i).status());
    raw.values += chunks_[chunk].columns[i].statistics.count;
  }
  return raw;
}

model::ColumnVector DecodedColumn::View() const {
  model::ColumnVector view = ValuesOf(*state_);
  view.validity = state_->has_nulls ? state_->validity.data() : nullptr;
  return view;
}

}  // namespace varve::tsm
