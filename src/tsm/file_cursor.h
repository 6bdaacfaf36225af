// The cursor behind FileReader::Cursor, with what only merge and inspection need.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tsm/codec/entropy_group.h"
#include "tsm/column_block.h"
#include "tsm/file.h"
#include "tsm/file_writer.h"
#include "tsm/page_reader.h"

namespace varve::tsm {

class FileReaderImpl;

class FileCursor final : public FileReader::Cursor {
 public:
  explicit FileCursor(std::shared_ptr<const FileReaderImpl> file);

  void SelectFields(std::span<const model::FieldId> fields) override;
  absl::StatusOr<bool> Seek(model::SeriesId series) override;
  absl::StatusOr<bool> NextSeries() override;
  model::SeriesId series() const override { return series_; }
  std::span<const ChunkMeta> chunks() const override { return {chunks_.data(), chunk_count_}; }
  absl::Status ReadTimesUpTo(size_t chunk, int64_t max_ns, std::vector<int64_t>* times) override;
  void Announce(size_t chunk, std::span<const size_t> columns, size_t rows) override;
  absl::Status ReadColumnUpTo(size_t chunk, size_t column, size_t rows,
                              DecodedColumn* out) override;

  // What chunks() does not tell.
  const ChunkHead& head(size_t chunk) const { return states_[chunk].head; }
  std::span<const LayoutColumn> layout(size_t chunk) const {
    return page_.layouts()[states_[chunk].head.layout].columns;
  }
  const PageReader& page() const { return page_; }
  // The bytes of a chunk that does not lie in the page, checked; every field must be selected.
  absl::StatusOr<RawChunk> ReadRaw(size_t chunk);
  // The checked bytes of a column's block, validity and all; of rows in the page, theirs.
  absl::StatusOr<std::string_view> ReadBlock(size_t chunk, size_t column);
  // The checked time block; empty when the times need none.
  absl::StatusOr<std::string_view> ReadTimeBlock(size_t chunk);

 private:
  struct ColumnState {
    uint32_t checksum = 0;
    std::string_view in_page;  // the rows of a chunk in the page
    bool checked = false;
  };
  struct ChunkState {
    ChunkHead head;
    std::string_view records;  // all its records
    std::string_view in_page_times;
    uint64_t data_at = 0;
    uint64_t data_bytes = 0;
    bool checked = false;     // of a chunk with one checksum
    size_t first_column = 0;  // in column_states_
  };

  absl::StatusOr<bool> LoadPage(uint64_t page);
  absl::Status DecodeEntry(const PageReader::Entry& entry);
  bool DecodeChunk(base::ByteReader& in, int64_t base_ns, uint64_t data_at, uint64_t data_end);
  bool DecodeRecords(base::ByteReader& in, ChunkState& state, ChunkMeta& meta);
  bool DecodePageRows(base::ByteReader& in, ChunkState& state, ChunkMeta& meta);
  bool DecodePageColumn(std::string_view bytes, const ChunkState& state, ColumnMeta& column);
  absl::Status CheckBytes(ChunkState& state, uint64_t offset, uint64_t bytes, uint32_t checksum);
  absl::Status Annotated(absl::Status status) const;
  // Where a column that was announced is decoded beside others, if it is.
  GroupPlace PlaceOf(size_t chunk, size_t column, size_t rows);
  // Makes group_ of the announced columns from the `first` on.
  void DecodeGroup(size_t first);

  const std::shared_ptr<const FileReaderImpl> file_;
  const std::string_view bytes_;  // the whole file
  PageReader page_;
  uint64_t page_index_ = 0;
  bool page_loaded_ = false;
  bool pending_ = false;  // pending_entry_ was read but not yet moved to
  bool selection_changed_ = false;
  PageReader::Entry pending_entry_;  // the entry read last
  uint64_t passed_series_ = 0;       // series below this one lie behind the place in the page

  model::SeriesId series_ = model::kNoId;
  std::vector<ChunkMeta> chunks_;  // the first chunk_count_ are in use
  std::vector<ChunkState> states_;
  size_t chunk_count_ = 0;
  std::vector<ColumnState> column_states_;
  // What was announced, and which of it group_ holds.
  struct Announced {
    size_t chunk = SIZE_MAX;
    size_t rows = 0;
    std::vector<size_t> columns;
    std::vector<size_t> grouped;  // columns, by their place
    size_t next = 0;              // none before it is to be grouped any more
  };
  Announced announced_;
  std::unique_ptr<codec::EntropyGroup> group_;  // null until first needed
  DecodedColumn scratch_;
  int64_t row_times_[kInlineRows];
};

}  // namespace varve::tsm
