// Where rows come from: the series of a measurement, or the answer of a subquery. Operators see no
// difference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/read_view.h"
#include "query/ast.h"
#include "query/points.h"
#include "query/time_ranges.h"

namespace varve::query {

struct ReadRequest {
  model::TimeRange range;
  TimeRanges ranges;  // not empty: of `range`, only what is in these too
  bool descending = false;
  // The columns of the batches, in this order. Type kTag: the tag's value, null where the series
  // lacks it; kUnknown: null in every row; kTime: the row's time, an integer; else the field of
  // that name, numbers converted.
  std::vector<VarRef> columns;
  // As engine::ScanOptions::window_end; used only where rows are not filtered.
  std::function<int64_t(int64_t)> window_end;
  bool hours = false;         // as engine::ScanOptions::hours
  bool few_rows = false;      // as engine::ScanOptions::few_rows; where rows are not filtered
  std::vector<bool> counted;  // of the first columns: as engine::FieldRequest::count_only
  // When set: told what is known of the first column's values in a block, which is a field, as in
  // engine::ScanOptions::may_want, answers whether rows of it may be wanted.
  std::function<bool(const model::FieldStatistics&)> may_want;

  TimeRanges Times() const {
    return ranges.empty() ? RangesOf(range) : Intersection(ranges, RangesOf(range));
  }
};

// Reads one series after another; as engine::Scanner. What a step points to is valid until the next
// call. One thread at a time.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual absl::Status Seek(size_t series) = 0;
  // Rows that do not meet the condition are left out, as are, for measurements, rows in which no
  // requested field has a value.
  virtual absl::Status Next(engine::ScanStep* step) = 0;
  // Of a subquery's answer: the place of each row of the last step among all rows. Else null.
  virtual const uint32_t* places() const { return nullptr; }
  // Adds what was read since the last call.
  virtual void TakeCounters(engine::ScanCounters* counters) = 0;
};

// Thread safety: const methods may be called from any thread.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual const std::string& name() const = 0;
  virtual size_t series_count() const = 0;
  // The values of `keys` for a series, "" where it lacks one.
  virtual void TagValues(size_t series, const std::vector<std::string>& keys,
                         std::vector<std::string>* values) const = 0;
  virtual std::unique_ptr<RowReader> NewReader(const ReadRequest& request) const = 0;
  // What reading `columns` would touch; nothing where the rows are in memory anyway.
  virtual absl::StatusOr<engine::ReadCost> Cost(const std::vector<VarRef>& /*columns*/,
                                                const model::TimeRange& /*range*/) const {
    return engine::ReadCost();
  }

  // Of a measurement: the key by which InfluxDB orders the series of a shard, into `key`, and the
  // shards, whose times do not overlap. False, and none, for the answer of a subquery, whose rows
  // are in order by themselves (RowReader::places()).
  virtual bool KeyOf(size_t series, std::string* key) const = 0;
  virtual const std::vector<model::TimeRange>& shards() const = 0;
};

// The series of `measurement` that `condition` (null: all) can hold for. The condition's names
// carry their types. `view` is kept. `shards`: those of the view.
std::unique_ptr<RowSource> MakeViewSource(std::shared_ptr<const engine::ReadView> view,
                                          std::string measurement, ExprPtr condition,
                                          std::vector<model::TimeRange> shards);

// An answer kept in memory, its rows in the order in which InfluxDB would hand them on, whatever
// series they are of; values row by row.
struct Table {
  struct Series {
    std::string name;
    std::vector<std::pair<std::string, std::string>> tags;  // ascending by key
    std::vector<uint32_t> rows;                             // ascending
  };
  std::vector<std::string> columns;
  std::vector<Series> series;
  std::vector<int64_t> times;
  std::vector<model::FieldValue> values;  // times.size() * columns.size()
  TextArena texts;
  bool ascending = true;

  size_t bytes() const {
    return times.capacity() * (sizeof(int64_t) + sizeof(uint32_t)) +
           values.capacity() * sizeof(model::FieldValue) + texts.bytes();
  }
};

// Puts rows that were made series by series in order of time.
void SortByTime(Table* table);

// The series of `table` called `name`, filtered row by row with `condition` (or null).
std::unique_ptr<RowSource> MakeTableSource(std::shared_ptr<const Table> table, std::string name,
                                           ExprPtr condition);

}  // namespace varve::query
