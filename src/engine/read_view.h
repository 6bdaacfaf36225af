// What one query sees of some shards of one database: schema, series and rows, frozen in time.
//
// A fixed set of immutable files and a frozen prefix of each cache. Rows come from scanners, one
// series at a time, in order of time, already merged: over shards, files and cache, the last write
// of a (series, field, time) winning, deleted rows left out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/predicate.h"
#include "index/series_set.h"
#include "model/column_batch.h"
#include "model/types.h"

namespace varve::engine {

// A field of a measurement, with every type it has in the view's shards.
struct FieldTypes {
  std::string name;
  model::FieldId field = model::kNoId;
  std::vector<model::FieldType> types;  // at least one; each once, in order of the enum
};

struct FieldRequest {
  model::FieldId field = model::kNoId;
  // The type wanted. In a shard where the field has another numeric type its values are converted
  // (as Go converts: floats to integers towards zero); any other type gives nulls.
  model::FieldType type = model::FieldType::kNone;
  // Of statistics, only the count is looked at: those of any type will do.
  bool count_only = false;
};

struct ScanOptions {
  model::TimeRange range;
  bool descending = false;
  std::vector<FieldRequest> fields;  // the columns of the batches, in this order; at least one
  // When set, a run of rows that lies within one window may be answered by its statistics instead
  // of its rows. Given a time, returns the last time (inclusive) of the window it lies in. Called
  // once per block.
  std::function<int64_t(int64_t)> window_end;
  // Statistics may be those of an hour too (tsm/rollup.h), which do not know min_time and max_time.
  bool hours = false;
  // The reader will look at one row of a series or few, those that come first: rows that a block's
  // statistics know are handed out, alone, before the block is decoded.
  bool few_rows = false;
  // When set: told, of a block, what is known of each requested field's values in it (count 0: it
  // has none; a count alone: nothing else is known), answers whether a row of it may be wanted.
  // Blocks without such rows may be left out. Called once per block.
  std::function<bool(std::span<const model::FieldStatistics>)> may_want;
  // When set: told the columns of some rows, of the fields marked in `deciding` only (the others
  // have no type), sets mask[i] to whether row i may be wanted. Rows that are not may be left out.
  // Up to model::kBatchRows rows a call.
  std::function<void(const model::ColumnBatch& rows, uint8_t* mask)> choose;
  std::vector<bool> deciding;  // of each of `fields`
};

// What a scanner hands out next: rows, or the statistics of a run of rows.
struct ScanStep {
  enum class Kind { kEnd, kRows, kStatistics };
  Kind kind = Kind::kEnd;
  model::ColumnBatch rows;  // kRows: up to model::kBatchRows; rows without any value are left out
  // kStatistics: the first and last row's time, and for each requested field what is known of it.
  model::TimeRange range;
  std::vector<model::FieldStatistics> statistics;
};

struct ScanCounters {
  uint64_t blocks_decoded = 0;
  uint64_t blocks_from_statistics = 0;
  uint64_t hours_from_rollups = 0;  // of a field each, as blocks are
  uint64_t blocks_left_out = 0;     // for ScanOptions::may_want
  uint64_t block_bytes = 0;         // of the blocks decoded
  uint64_t rows = 0;

  ScanCounters& operator+=(const ScanCounters& other) {
    blocks_decoded += other.blocks_decoded;
    blocks_from_statistics += other.blocks_from_statistics;
    hours_from_rollups += other.hours_from_rollups;
    blocks_left_out += other.blocks_left_out;
    block_bytes += other.block_bytes;
    rows += other.rows;
    return *this;
  }
  ScanCounters& operator-=(const ScanCounters& other) {
    blocks_decoded -= other.blocks_decoded;
    blocks_from_statistics -= other.blocks_from_statistics;
    hours_from_rollups -= other.hours_from_rollups;
    blocks_left_out -= other.blocks_left_out;
    block_bytes -= other.block_bytes;
    rows -= other.rows;
    return *this;
  }
};

// Reads rows of one series after another. One thread at a time; reusable, allocating nothing once
// its buffers have grown.
class Scanner {
 public:
  virtual ~Scanner() = default;
  // Begins with `series`. Cheapest in ascending order.
  virtual absl::Status Seek(model::SeriesId series) = 0;
  // Hands out the next step; `step` is reused and what it points to is valid until the next call.
  // DATA_LOSS names the damaged file and offset.
  virtual absl::Status Next(ScanStep* step) = 0;
  virtual const ScanCounters& counters() const = 0;
};

// What reading some fields of some series would touch, as InfluxDB's EXPLAIN counts it: a file once
// for each series and field it holds.
struct ReadCost {
  uint64_t cached_values = 0;
  uint64_t files = 0;
  uint64_t blocks = 0;
  uint64_t block_bytes = 0;
};

// Thread safety: every method may be called from any thread.
class ReadView {
 public:
  virtual ~ReadView() = default;

  virtual std::vector<std::string> Measurements() const = 0;  // ascending
  virtual bool HasMeasurement(std::string_view measurement) const = 0;
  virtual std::vector<FieldTypes> Fields(std::string_view measurement) const = 0;    // by name
  virtual std::vector<std::string> TagKeys(std::string_view measurement) const = 0;  // by name
  // Ascending values of a tag, each with the series that have it.
  virtual std::vector<std::pair<std::string, index::SeriesSet>> TagValues(
      std::string_view measurement, std::string_view tag_key) const = 0;

  // The same, one after the other, until `visit` answers false: holds one value of each shard.
  virtual void VisitTagValues(
      std::string_view measurement, std::string_view tag_key,
      const std::function<bool(std::string_view value, const index::SeriesSet& series)>& visit)
      const = 0;

  // The series of the measurement that hold for `predicate` and are in any of the shards.
  virtual index::SeriesSet Match(std::string_view measurement,
                                 const index::TagPredicate& predicate) const = 0;
  // The canonical key bytes (model/series_key.h), into `key` (replaced).
  virtual void KeyOf(model::SeriesId series, std::string* key) const = 0;

  virtual std::unique_ptr<Scanner> NewScanner(const ScanOptions& options) const = 0;

  // Costs a look at the indexes of the files for each of `series`, ascending, and at the rows that
  // are still in memory. `fields`: each once. DATA_LOSS as Scanner.
  virtual absl::StatusOr<ReadCost> Cost(std::span<const model::SeriesId> series,
                                        std::span<const model::FieldId> fields,
                                        const model::TimeRange& range) const = 0;

  // The times of the shards in the view; empty range when there is none.
  virtual model::TimeRange shards_range() const = 0;
  virtual size_t shard_count() const = 0;
};

}  // namespace varve::engine
