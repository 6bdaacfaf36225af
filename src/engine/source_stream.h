// The rows of one series in one file or cache, in scan order, piece by piece.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "engine/cache_rows.h"
#include "engine/read_view.h"
#include "engine/work_column.h"
#include "tsm/file.h"
#include "tsm/rollup.h"

namespace varve::engine {

// What is the same for every source of a scan. Keys order rows as the scan goes: the time itself,
// or, descending, its complement, so that a greater key always comes later.
struct ScanPlan {
  ScanOptions options;
  ScanCounters counters;
  absl::Status rollup_damage;  // met since it was last looked at; rows were read instead

  int64_t KeyOf(int64_t time) const { return options.descending ? ~time : time; }
  int64_t FirstKey(const model::TimeRange& range) const {
    return options.descending ? ~range.max_ns : range.min_ns;
  }
  int64_t LastKey(const model::TimeRange& range) const {
    return options.descending ? ~range.min_ns : range.max_ns;
  }
};

// After the last row of every source; no row has it (kMaxTimeNs is less, and so is ~kMinTimeNs).
inline constexpr int64_t kEndKey = std::numeric_limits<int64_t>::max();

// One thread at a time; reusable, keeping its buffers.
class SourceStream {
 public:
  explicit SourceStream(ScanPlan& plan) : plan_(plan) {}

  // Turns to a series of a file: `cursor` stands on it and is not moved while this reads. `rollup`
  // is of the same file, or null; it is moved to `series` when first needed. `deleted` are the
  // ranges deleted for it. False when the file has nothing to offer in the scan's range.
  bool OpenFile(tsm::FileReader::Cursor& cursor, tsm::RollupReader::Cursor* rollup,
                model::SeriesId series, std::span<const model::TimeRange> deleted);
  // Turns to the rows of a series in a cache that a view of `epoch` sees.
  bool OpenCache(const CacheSeries& series, CacheEpoch epoch,
                 std::span<const model::TimeRange> deleted);

  // A lower bound of the key of the next row; exact when is_loaded(). kEndKey: no more rows.
  int64_t head() const { return head_; }
  bool is_loaded() const { return is_loaded_; }

  // --- Of the next piece, while it is not loaded.

  int64_t piece_last_key() const;
  // Whether no row of it can be wanted (ScanOptions::may_want).
  bool IsUnwanted();
  // Fills the statistics of the whole piece; false when it has none that answer for every requested
  // field, or does not lie whole within the scan's range or the window that begins it.
  bool Statistics(ScanStep* step);
  void SkipPiece();
  // Fills the statistics of the next hour, which may be in several pieces or a part of one, and
  // moves behind it; false when its rows must be read. Moves head() over hours without a value.
  //   next_head  the least head of the other sources: an hour must end before it
  bool TakeHour(int64_t next_head, ScanStep* step);
  // Decodes it, or what of it lies before an hour that TakeHour() can answer. head() then is its
  // first row, or a bound of what follows when nothing was left of it.
  //   alone  no other source has a row within the piece
  absl::Status Load(bool alone);

  // --- Of the loaded piece.

  size_t rows() const { return batch_.rows; }
  size_t position() const { return position_; }
  int64_t time(size_t row) const { return batch_.times[row]; }
  const model::ColumnBatch& batch() const { return batch_; }
  // Rows from position() on whose key is less than `key`.
  size_t RowsBefore(int64_t key) const;
  // Moves on; behind the last row the piece is done, but its columns stay until the next Load().
  void Advance(size_t rows);

 private:
  struct Column {
    tsm::DecodedColumn decoded;
    WorkColumn converted;
    WorkColumn gathered;
  };

  enum class HourUse { kAnswers, kNothing, kRows };

  void Start(size_t pieces, std::span<const model::TimeRange> deleted);
  model::TimeRange PieceRange(size_t piece) const;
  size_t PieceIndex() const { return plan_.options.descending ? pieces_ - 1 - next_ : next_; }
  void FindHead();
  // Rows before `key` are done with.
  void PassBefore(int64_t key);
  // Makes the piece's first row of its statistics; false when they do not know all of it.
  bool LoadEdge(size_t chunk);
  // Moves the rollup to the series, once; false when there is nothing of it.
  bool SeekRollup();
  HourUse LookAtHour(size_t hour, int64_t next_head, model::TimeRange* rows) const;
  bool IsDeleted(const model::TimeRange& range) const;
  // The start of the first hour within the piece that can be answered without its rows, unless it
  // turns out that another source has some in it; kEndKey: there is none.
  int64_t NextAnswer(const model::TimeRange& piece);
  absl::Status LoadChunk(size_t chunk);
  // Makes batch_ of the rows that ScanOptions::choose wants: what does not decide is decoded only
  // up to the last of them.
  absl::Status LoadChosen(size_t chunk);
  // Decodes the first `rows` rows of such fields into decoded_; nothing where the chunk has none.
  enum class Which { kAll, kDeciding, kOthers };
  absl::Status LoadColumns(size_t chunk, Which which, size_t rows);
  // Of a field that can be read from the chunk, its column there; else null.
  const tsm::ColumnMeta* ReadableColumn(const tsm::ChunkMeta& chunk, size_t field) const;
  absl::Status LoadColumn(size_t chunk, size_t field, size_t rows);
  // Reads the times of a chunk and says how many rows there are up to the end of what is wanted.
  absl::Status LoadTimes(size_t chunk, size_t* rows);
  // Behind the last row of a loaded piece.
  void Leave();
  // Leaves out rows outside the wanted range, deleted rows and rows without a value; reverses.
  void Filter(const model::TimeRange& range);
  // Makes batch_ of its rows kept_.
  void GatherKept();
  bool HasValue(size_t row) const;
  bool IsDeletedAt(int64_t time) const;

  ScanPlan& plan_;
  tsm::FileReader::Cursor* cursor_ = nullptr;    // null: a cache
  tsm::RollupReader::Cursor* rollup_ = nullptr;  // null: none, or none for this series
  model::SeriesId series_ = model::kNoId;
  bool rollup_sought_ = false;
  std::vector<const tsm::RollupColumn*> rollup_columns_;  // of each requested field, or null
  size_t hour_ = 0;                                       // of the rollup: none before it is left
  CacheRows cache_rows_;
  CacheColumns cache_columns_;
  model::TimeRange wanted_;  // the scan's range without what is known to be done with
  std::vector<model::TimeRange> deleted_;
  size_t pieces_ = 0;
  size_t next_ = 0;  // in scan order
  int64_t head_ = kEndKey;
  bool is_loaded_ = false;
  int64_t resume_ = kEndKey;  // of the loaded piece, rows from this key on were not handed out

  std::vector<model::FieldStatistics> known_;  // scratch of IsUnwanted()
  int64_t edge_time_ = 0;                      // of the row that LoadEdge() made
  std::vector<model::ColumnBuffer> edge_;
  size_t decoded_chunk_ = SIZE_MAX;  // what decoded_ holds
  model::ColumnBatch decoded_;
  model::ColumnBatch batch_;
  size_t position_ = 0;
  std::vector<Column> columns_;
  std::vector<size_t> announced_;  // scratch of LoadColumns()
  std::vector<int64_t> times_;
  std::vector<int64_t> gathered_times_;
  std::vector<uint32_t> kept_;
  std::vector<WorkColumn> slices_;
};

}  // namespace varve::engine
