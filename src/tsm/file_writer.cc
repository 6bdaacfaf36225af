#include "tsm/file_writer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "tsm/codec.h"
#include "tsm/page_rows.h"
#include "tsm/scalar.h"

namespace varve::tsm {
namespace {

using model::ColumnBatch;
using model::ColumnVector;
using model::FieldId;
using model::FieldType;
using model::SeriesId;

constexpr size_t kWriteBytes = size_t{1} << 20;
// Finished pages wait until there are this many bytes of them, so that a scan of the index reads
// long runs, and memory stays bounded however large the file.
constexpr size_t kPagesBytes = size_t{4} << 20;
// A chunk ends early when its strings grow beyond this.
constexpr size_t kChunkTextBytes = size_t{4} << 20;

std::string TemporaryPath(const std::string& folder, const std::string& name) {
  return base::JoinPath(folder, name) + ".tmp";
}

bool HasDuplicates(std::span<const FieldId> fields) {
  if (std::ranges::adjacent_find(fields, std::greater_equal<>()) == fields.end()) return false;
  std::vector<FieldId> sorted(fields.begin(), fields.end());
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

const char* SkipRows(FieldType type, const void* data, size_t rows) {
  const size_t width = type == FieldType::kBoolean  ? 1
                       : type == FieldType::kString ? sizeof(std::string_view)
                                                    : 8;
  return static_cast<const char*>(data) + rows * width;
}

bool HasAnyValue(const ColumnVector& column, size_t rows) {
  if (column.validity == nullptr) return true;
  for (size_t row = 0; row < rows; row += 64) {
    uint64_t bits = column.validity[row / 64];
    if (rows - row < 64) bits &= (uint64_t{1} << (rows - row)) - 1;
    if (bits != 0) return true;
  }
  return false;
}

}  // namespace

absl::Status OutputFile::Append(std::string_view bytes) {
  RETURN_IF_ERROR(status_);
  offset_ += bytes.size();
  buffer_.append(bytes);
  return buffer_.size() < kWriteBytes ? absl::OkStatus() : Drain();
}

absl::Status OutputFile::Drain() {
  status_ = file_->Append(buffer_);
  buffer_.clear();
  return status_;
}

absl::Status OutputFile::Finish() {
  RETURN_IF_ERROR(status_);
  if (!buffer_.empty()) RETURN_IF_ERROR(Drain());
  status_ = file_->Sync();
  RETURN_IF_ERROR(status_);
  status_ = file_->Close();
  return status_;
}

absl::StatusOr<std::unique_ptr<FileWriter>> FileWriter::Create(base::Env& env, std::string folder,
                                                               std::string name,
                                                               WriterOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::WritableFile> file,
                   env.CreateFile(TemporaryPath(folder, name)));
  auto writer = std::make_unique<FileWriterImpl>(env, std::move(folder), std::move(name), options,
                                                 std::move(file));
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

FileWriterImpl::FileWriterImpl(base::Env& env, std::string folder, std::string name,
                               WriterOptions options, std::unique_ptr<base::WritableFile> file)
    : env_(env),
      folder_(std::move(folder)),
      name_(std::move(name)),
      options_(options),
      output_(std::move(file)) {}

FileWriterImpl::~FileWriterImpl() {
  // Best effort: a leftover is no part of the shard and is removed when it is next opened.
  if (open_) env_.RemoveFile(TemporaryPath(folder_, name_)).IgnoreError();
}

absl::Status FileWriterImpl::Begin() {
  std::string header;
  PutHeader({options_.cold}, header);
  return output_.Append(header);
}

absl::Status FileWriterImpl::Enter(SeriesId series, int64_t first_ns, int64_t last_ns) {
  if (!open_) return base::FailedPrecondition("tsm file is finished: file=", name_);
  if (!entered_ || series != series_) {
    if (entered_ && series < series_) {
      return base::InvalidArgument("series out of order: series=", series, " after=", series_);
    }
    RETURN_IF_ERROR(FlushRows());
    entered_ = true;
    series_ = series;
  } else if (first_ns <= last_ns_) {
    return base::InvalidArgument("rows out of order: series=", series, " time=", first_ns,
                                 " after=", last_ns_);
  }
  last_ns_ = last_ns;
  return absl::OkStatus();
}

absl::Status FileWriterImpl::Add(SeriesId series, std::span<const FieldId> fields,
                                 const ColumnBatch& rows) {
  if (fields.size() != rows.columns.size() || HasDuplicates(fields)) {
    return base::InvalidArgument("fields do not name the columns: fields=", fields.size(),
                                 " columns=", rows.columns.size());
  }
  for (size_t row = 1; row < rows.rows; ++row) {
    if (rows.times[row] <= rows.times[row - 1]) {
      return base::InvalidArgument("rows out of order: series=", series, " row=", row);
    }
  }
  return AddRows(series, fields, rows, 0, rows.rows);
}

bool FileWriterImpl::Slice(std::span<const FieldId> fields, const ColumnBatch& batch, size_t begin,
                           size_t n) {
  columns_.clear();
  for (size_t i = 0; i < fields.size(); ++i) {
    ColumnVector column = batch.columns[i];
    if (column.type == FieldType::kNone) continue;
    // The size of strings is known only row by row.
    if (column.type == FieldType::kString) return false;
    if (column.validity != nullptr) {
      if (begin % 64 != 0) return false;
      column.validity += begin / 64;
      if (!HasAnyValue(column, n)) continue;
    }
    column.data = SkipRows(column.type, column.data, begin);
    columns_.push_back({fields[i], column});
  }
  std::ranges::sort(columns_, {}, &ChunkColumn::field);
  return true;
}

absl::Status FileWriterImpl::AddRows(SeriesId series, std::span<const FieldId> fields,
                                     const ColumnBatch& rows, size_t begin, size_t end) {
  if (begin == end) return absl::OkStatus();
  RETURN_IF_ERROR(Enter(series, rows.times[begin], rows.times[end - 1]));
  if (buffer_.rows() > 0 && !buffer_.Fits(fields, rows)) RETURN_IF_ERROR(FlushRows());
  const bool has_text = std::ranges::any_of(
      rows.columns, [](const ColumnVector& c) { return c.type == FieldType::kString; });
  for (size_t row = begin; row < end;) {
    if (buffer_.rows() == 0 && end - row >= chunk_rows() &&
        Slice(fields, rows, row, chunk_rows())) {
      RETURN_IF_ERROR(WriteChunk({rows.times + row, chunk_rows()}, columns_));
      row += chunk_rows();
      continue;
    }
    size_t n = std::min(end - row, chunk_rows() - buffer_.rows());
    if (has_text) n = std::min<size_t>(n, 16);
    buffer_.Append(fields, rows, row, row + n);
    row += n;
    if (buffer_.rows() >= chunk_rows() || buffer_.text_bytes() >= kChunkTextBytes) {
      RETURN_IF_ERROR(FlushRows());
    }
  }
  return absl::OkStatus();
}

absl::Status FileWriterImpl::AddRow(SeriesId series, int64_t time_ns, std::span<const Cell> cells) {
  RETURN_IF_ERROR(Enter(series, time_ns, time_ns));
  for (size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    if (!cell.value.is_null() && !buffer_.Fits(cell.field, cell.value.type(), i)) {
      RETURN_IF_ERROR(FlushRows());
      break;
    }
  }
  buffer_.BeginRow(time_ns);
  for (const Cell& cell : cells) {
    if (!cell.value.is_null()) buffer_.Set(cell.field, cell.value);
  }
  if (buffer_.rows() >= chunk_rows() || buffer_.text_bytes() >= kChunkTextBytes) return FlushRows();
  return absl::OkStatus();
}

absl::Status FileWriterImpl::AddRaw(SeriesId series, const RawChunk& chunk) {
  RETURN_IF_ERROR(Enter(series, chunk.head.range.min_ns, chunk.head.range.max_ns));
  RETURN_IF_ERROR(FlushRows());
  return PutChunk(chunk.head, chunk.layout, chunk.records, chunk.data, chunk.values);
}

absl::Status FileWriterImpl::FlushRows() {
  if (buffer_.rows() == 0) return absl::OkStatus();
  buffer_.Columns(&columns_);
  absl::Status status = WriteChunk(buffer_.times(), columns_);
  buffer_.Clear();
  return status;
}

absl::Status FileWriterImpl::WriteChunk(std::span<const int64_t> times,
                                        std::span<const ChunkColumn> columns) {
  if (columns.empty()) return absl::OkStatus();
  ChunkHead head;
  head.rows = static_cast<uint32_t>(times.size());
  head.range = {times.front(), times.back()};
  head.step_ns =
      times.size() < 2 ? 0 : static_cast<uint64_t>(times[1]) - static_cast<uint64_t>(times[0]);
  head.regular = true;
  for (size_t i = 2; i < times.size() && head.regular; ++i) {
    head.regular =
        static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]) == head.step_ns;
  }
  layout_.clear();
  for (const ChunkColumn& column : columns) layout_.push_back({column.field, column.values.type});
  data_.clear();
  records_.clear();
  chunk_values_ = 0;
  head.in_page = times.size() <= kInlineRows && buffer_.text_bytes() <= kInlineTextBytes;
  if (head.in_page) {
    EncodeInPage(times, columns, &head);
  } else {
    EncodeBlocks(times, columns, &head);
  }
  return PutChunk(head, layout_, records_, data_, chunk_values_);
}

void FileWriterImpl::EncodeInPage(std::span<const int64_t> times,
                                  std::span<const ChunkColumn> columns, ChunkHead* head) {
  if (!head->regular) PutPageTimes(times.data(), times.size(), records_);
  for (const ChunkColumn& column : columns) {
    dense_.Gather(column.values, times.size());
    PutPageColumn(dense_, times.size(), records_);
    chunk_values_ += dense_.count();
  }
}

void FileWriterImpl::EncodeBlocks(std::span<const int64_t> times,
                                  std::span<const ChunkColumn> columns, ChunkHead* head) {
  const EncodeOptions encode{.cold = options_.cold};
  if (!head->regular) {
    // Times count from the first one, which the entry has: series that are written together then
    // have the same bytes.
    steps_.resize(times.size());
    for (size_t i = 0; i < times.size(); ++i) {
      steps_[i] =
          static_cast<int64_t>(static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[0]));
    }
    // A span beyond 2^63 would not be in order: such times are written as they are.
    const bool relative = steps_.back() > 0;
    EncodeTimes(relative ? std::span<const int64_t>(steps_) : times, encode, data_);
  }
  head->time_block_bytes = static_cast<uint32_t>(data_.size());
  summaries_.clear();
  block_starts_.clear();
  for (const ChunkColumn& column : columns) {
    block_starts_.push_back(data_.size());
    dense_.Gather(column.values, times.size());
    summaries_.push_back(Summarize(dense_.values(), dense_.count(), dense_.rows()));
    EncodeColumnBlock(dense_, times.size(), encode, data_);
    chunk_values_ += dense_.count();
  }
  block_starts_.push_back(data_.size());

  const std::string_view data = data_;
  head->block_checksums = data.size() > kSingleChecksumBytes;
  if (head->block_checksums) {
    head->time_checksum = ShortChecksum(data.substr(0, head->time_block_bytes));
  } else {
    head->chunk_checksum = ShortChecksum(data);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string_view block =
        data.substr(block_starts_[i], block_starts_[i + 1] - block_starts_[i]);
    const ColumnRecord record{static_cast<uint32_t>(block.size()),
                              head->block_checksums ? ShortChecksum(block) : 0};
    // The strings of a summary are none: it outlives the values it was taken of.
    PutColumnRecord(record, columns[i].values.type, *head, summaries_[i], times.data(), records_);
  }
}

absl::Status FileWriterImpl::PutChunk(const ChunkHead& head, std::span<const LayoutColumn> layout,
                                      std::string_view records, std::string_view data,
                                      uint64_t values) {
  // A page is closed between series only.
  if ((!page_has_series_ || series_ != page_series_) && page_.full()) {
    RETURN_IF_ERROR(FinishPage());
  }
  page_.AddChunk(series_, head, layout, records, output_.offset(), data.size());
  if (!data.empty()) RETURN_IF_ERROR(output_.Append(data));
  if (!page_has_series_ || series_ != page_series_) ++series_count_;
  page_has_series_ = true;
  page_series_ = series_;
  if (info_.chunks == 0) {
    info_.range = head.range;
    info_.min_series = series_;
  }
  info_.range.min_ns = std::min(info_.range.min_ns, head.range.min_ns);
  info_.range.max_ns = std::max(info_.range.max_ns, head.range.max_ns);
  info_.max_series = series_;
  ++info_.chunks;
  info_.values += values;
  return absl::OkStatus();
}

absl::Status FileWriterImpl::FinishPage() {
  if (page_.empty()) return absl::OkStatus();
  PageRef ref;
  ref.first_series = page_.first_series();
  ref.offset = finished_pages_.size();  // made absolute by WritePages()
  page_.Finish(finished_pages_);
  ref.bytes = static_cast<uint32_t>(finished_pages_.size() - ref.offset);
  pages_.push_back(ref);
  return finished_pages_.size() < kPagesBytes ? absl::OkStatus() : WritePages();
}

absl::Status FileWriterImpl::WritePages() {
  for (; written_pages_ < pages_.size(); ++written_pages_) {
    pages_[written_pages_].offset += output_.offset();
  }
  RETURN_IF_ERROR(output_.Append(finished_pages_));
  finished_pages_.clear();
  return absl::OkStatus();
}

absl::StatusOr<FileInfo> FileWriterImpl::Finish() {
  if (!open_) return base::FailedPrecondition("tsm file is finished: file=", name_);
  RETURN_IF_ERROR(FlushRows());
  if (info_.chunks == 0) return base::FailedPrecondition("tsm file without rows: file=", name_);
  RETURN_IF_ERROR(FinishPage());
  RETURN_IF_ERROR(WritePages());
  std::string tail;
  for (const PageRef& ref : pages_) PutPageRef(ref, tail);
  TsmFooter footer;
  footer.directory_offset = output_.offset();
  footer.pages = pages_.size();
  footer.directory_checksum = base::Checksum(tail);
  footer.chunks = info_.chunks;
  footer.values = info_.values;
  footer.series = series_count_;
  footer.range = info_.range;
  footer.min_series = info_.min_series;
  footer.max_series = info_.max_series;
  PutFooter(footer, tail);
  RETURN_IF_ERROR(output_.Append(tail));
  RETURN_IF_ERROR(output_.Finish());
  const std::string path = base::JoinPath(folder_, name_);
  RETURN_IF_ERROR(env_.RenameFile(TemporaryPath(folder_, name_), path));
  open_ = false;
  RETURN_IF_ERROR(env_.SyncDir(folder_));
  info_.name = name_;
  info_.bytes = output_.offset();
  return info_;
}

}  // namespace varve::tsm
