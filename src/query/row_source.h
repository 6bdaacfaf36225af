// Where rows come from: the series of a measurement, or the answer of a subquery. Operators see no
// difference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
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
};

// The series of `measurement` that `condition` (null: all) can hold for. The condition's names
// carry their types. `view` is kept.
std::unique_ptr<RowSource> MakeViewSource(std::shared_ptr<const engine::ReadView> view,
                                          std::string measurement, ExprPtr condition);

// An answer kept in memory: series of rows, values row by row.
struct Table {
  struct Series {
    std::string name;
    std::vector<std::pair<std::string, std::string>> tags;  // ascending by key
    size_t begin = 0;
    size_t end = 0;
  };
  std::vector<std::string> columns;
  std::vector<Series> series;
  std::vector<int64_t> times;
  std::vector<model::FieldValue> values;  // times.size() * columns.size()
  TextArena texts;
  bool ascending = true;

  size_t bytes() const {
    return times.capacity() * sizeof(int64_t) + values.capacity() * sizeof(model::FieldValue) +
           texts.bytes();
  }
};

// The series of `table` called `name`, filtered row by row with `condition` (or null).
std::unique_ptr<RowSource> MakeTableSource(std::shared_ptr<const Table> table, std::string name,
                                           ExprPtr condition);

}  // namespace varve::query
