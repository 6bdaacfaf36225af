// One input of a merge: the rows of a series that remain, in time order, a chunk at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/column_batch.h"
#include "tsm/file_cursor.h"
#include "tsm/merge.h"
#include "tsm/tombstone.h"

namespace varve::tsm {

class MergeStream {
 public:
  MergeStream(const MergeInput& input, std::span<const Tombstone> tombstones);

  // Moves to the file's next series; false at its end.
  absl::StatusOr<bool> NextSeries();
  model::SeriesId series() const { return cursor_->series(); }

  // Goes to the first remaining row of the series.
  absl::Status Begin();
  bool done() const { return chunk_ >= cursor_->chunks().size(); }
  // The time of the next row.
  int64_t time() const { return decoded_ ? times_[row_] : chunk().range.min_ns; }
  // The next row is the first of a chunk of which every row remains; it is not yet decoded.
  bool at_whole_chunk() const { return !decoded_; }
  const ChunkMeta& chunk() const { return cursor_->chunks()[chunk_]; }
  bool cold() const { return cold_; }

  // The whole chunk's bytes; nothing when it lies in the index page.
  bool can_copy() const { return !decoded_ && !cursor_->head(chunk_).in_page; }
  absl::StatusOr<RawChunk> Raw() { return cursor_->ReadRaw(chunk_); }
  absl::Status SkipChunk();  // past the whole chunk

  // The rows at hand: [row(), run_end()) of batch() remain and lie in one run.
  absl::Status Decode();
  std::span<const model::FieldId> fields() const { return fields_; }
  const model::ColumnBatch& batch() const { return batch_; }
  size_t row() const { return row_; }
  size_t run_end() const { return runs_[run_].second; }
  // The first row of the run at or behind `time`.
  size_t RowAt(int64_t time) const;
  // Past the rows before `row`, at most run_end().
  absl::Status Advance(size_t row);

  // Bytes read since this was last asked.
  uint64_t TakeBytesRead();

 private:
  absl::Status Settle();
  void FindRuns();
  bool Touched(const model::TimeRange& range, bool* covered) const;

  const std::span<const Tombstone> tombstones_;
  const uint64_t sequence_;
  const bool cold_;
  std::unique_ptr<FileCursor> cursor_;
  std::vector<model::TimeRange> deleted_;
  size_t chunk_ = 0;

  bool decoded_ = false;
  std::vector<int64_t> times_;
  std::vector<DecodedColumn> columns_;
  std::vector<model::FieldId> fields_;
  model::ColumnBatch batch_;
  std::vector<std::pair<size_t, size_t>> runs_;  // of rows that remain
  size_t run_ = 0;
  size_t row_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace varve::tsm
