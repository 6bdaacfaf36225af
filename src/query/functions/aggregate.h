// Aggregates and selectors: functions from the values of a window to points.
//
// A function is a row (function.h) and a class that keeps its state for every window of a group:
// fed from vectors or from block statistics, merged with the state of another part of the group,
// and read out at the end. Semantics: InfluxDB 1.x "query/functions.go", "query/call_iterator.go".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "model/column_batch.h"
#include "query/points.h"

namespace varve::query {

// Rows [begin, end) of a batch, all in the window `slot`.
struct Run {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t slot = 0;
};

// One batch as an aggregate sees it: ascending times, the argument, and what comes along with a
// selected point.
struct AggregateInput {
  const int64_t* times = nullptr;
  model::ColumnVector column;
  std::span<const model::ColumnVector> aux;
};

struct AggregateOptions {
  double percentile = 0;
  int64_t n = 0;         // of top(), bottom(), sample()
  size_t aux_width = 0;  // columns that come along with a selected point
  // Values come in the order of InfluxDB's iterators, all to one aggregator: what hangs on it is
  // exact. Else such points are marked (Points::tied).
  bool in_order = false;
  bool shows_row = false;  // the time of a selected point shows, or what comes along with it
  size_t by_width = 0;  // top() and bottom(): the best point of each value of the first aux columns
};

// The state of one function over all windows (slots) of one group, or of a part of its series.
// One thread at a time.
class Aggregator {
 public:
  virtual ~Aggregator() = default;
  // Makes slots up to `slots`; new ones are empty.
  virtual void Resize(size_t slots) = 0;
  virtual void Update(const AggregateInput& input, std::span<const Run> runs) = 0;
  // Only for functions whose row says `statistics`, and without aux columns.
  virtual void UpdateFromStatistics(uint32_t slot, const model::FieldStatistics& statistics);
  // Whether rows may change the slot, of whose values these statistics are known (a count alone:
  // nothing else is).
  virtual bool MayTake(uint32_t /*slot*/, const model::FieldStatistics& /*statistics*/) const {
    return true;
  }
  // Takes in what `other`, made by the same call, has seen; its slot i is slot_of[i] here. What
  // `other` holds may be taken from it: it is of no use afterwards.
  virtual void Merge(Aggregator& other, std::span<const uint32_t> slot_of) = 0;
  // Appends the points of a slot, none when no value was seen: the time of the chosen row for
  // selectors, else `start_ns`. Texts borrow the aggregator.
  virtual void Emit(uint32_t slot, int64_t start_ns, Points* out) const = 0;
  // Roughly what the state takes beyond a few bytes a slot.
  virtual size_t bytes() const { return 0; }
};

// Null when the function does not take values of `type`.
using AggregateMaker = std::unique_ptr<Aggregator>(model::FieldType type,
                                                   const AggregateOptions& options);

}  // namespace varve::query
