// The writer behind FileWriter, with what only a merge needs.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tsm/chunk_entry.h"
#include "tsm/column_block.h"
#include "tsm/file.h"
#include "tsm/file_format.h"
#include "tsm/page_builder.h"
#include "tsm/row_buffer.h"

namespace varve::tsm {

// A chunk as its bytes, to be copied from file to file.
struct RawChunk {
  ChunkHead head;
  std::span<const LayoutColumn> layout;
  std::string_view records;  // of its columns, in the page
  std::string_view data;     // checked
  uint64_t values = 0;
};

// Gathers small appends into large writes and knows the offset it has come to.
class OutputFile {
 public:
  explicit OutputFile(std::unique_ptr<base::WritableFile> file) : file_(std::move(file)) {}
  absl::Status Append(std::string_view bytes);
  absl::Status Finish();  // writes, syncs, closes
  uint64_t offset() const { return offset_; }

 private:
  absl::Status Drain();
  std::unique_ptr<base::WritableFile> file_;
  std::string buffer_;
  uint64_t offset_ = 0;
  absl::Status status_;  // once failed, for good: the file's tail is then unknown
};

class FileWriterImpl final : public FileWriter {
 public:
  FileWriterImpl(base::Env& env, std::string folder, std::string name, WriterOptions options,
                 std::unique_ptr<base::WritableFile> file);
  ~FileWriterImpl() override;

  // Writes the header.
  absl::Status Begin();

  absl::Status Add(model::SeriesId series, std::span<const model::FieldId> fields,
                   const model::ColumnBatch& rows) override;
  absl::StatusOr<FileInfo> Finish() override;

  // Add() of rows [begin, end) of the batch.
  absl::Status AddRows(model::SeriesId series, std::span<const model::FieldId> fields,
                       const model::ColumnBatch& rows, size_t begin, size_t end);
  // Adds one row of fields in any order, each once; null values are left out.
  struct Cell {
    model::FieldId field;
    model::FieldValue value;
  };
  absl::Status AddRow(model::SeriesId series, int64_t time_ns, std::span<const Cell> cells);
  // Adds a chunk unchanged, behind a chunk of the rows that were waiting.
  absl::Status AddRaw(model::SeriesId series, const RawChunk& chunk);

  // Rows of `series` that wait for their chunk to fill; of another series they do not count.
  size_t waiting_rows(model::SeriesId series) const {
    return series == series_ ? buffer_.rows() : 0;
  }
  size_t chunk_rows() const { return options_.cold ? kColdChunkRows : kChunkRows; }
  uint64_t bytes_written() const { return output_.offset(); }

 private:
  // Checks the order and, when `series` is new, writes what waits of the one before.
  absl::Status Enter(model::SeriesId series, int64_t first_ns, int64_t last_ns);
  absl::Status FlushRows();
  // Encodes one chunk; columns ascending by field, none all null, validity from bit 0 on.
  absl::Status WriteChunk(std::span<const int64_t> times, std::span<const ChunkColumn> columns);
  void EncodeInPage(std::span<const int64_t> times, std::span<const ChunkColumn> columns,
                    ChunkHead* head);
  void EncodeBlocks(std::span<const int64_t> times, std::span<const ChunkColumn> columns,
                    ChunkHead* head);
  absl::Status PutChunk(const ChunkHead& head, std::span<const LayoutColumn> layout,
                        std::string_view records, std::string_view data, uint64_t values);
  // Rows [begin, begin + n) of the batch as columns; false when they have to go through the buffer.
  bool Slice(std::span<const model::FieldId> fields, const model::ColumnBatch& batch, size_t begin,
             size_t n);
  absl::Status FinishPage();
  absl::Status WritePages();

  base::Env& env_;
  const std::string folder_;
  const std::string name_;
  const WriterOptions options_;
  OutputFile output_;
  bool open_ = true;  // neither finished nor failed

  // The series being added.
  bool entered_ = false;
  model::SeriesId series_ = 0;
  int64_t last_ns_ = 0;
  RowBuffer buffer_;

  PageBuilder page_;
  std::vector<PageRef> pages_;
  std::string finished_pages_;  // not yet written
  size_t written_pages_ = 0;

  FileInfo info_;
  uint64_t series_count_ = 0;
  bool page_has_series_ = false;
  model::SeriesId page_series_ = 0;  // the last one that was put in a page

  // Scratch of one chunk.
  std::vector<ChunkColumn> columns_;
  std::vector<LayoutColumn> layout_;
  std::vector<int64_t> steps_;
  std::vector<ColumnSummary> summaries_;
  std::vector<ColumnRecord> column_records_;
  std::vector<size_t> block_starts_;
  DenseColumn dense_;
  std::string data_;
  std::string records_;
  uint64_t chunk_values_ = 0;
};

}  // namespace varve::tsm
