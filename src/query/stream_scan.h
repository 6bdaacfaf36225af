// Computes a call over one stream of rows, in the order in which InfluxDB's iterators hand them on.
//
// The exact way, and the only one for the rows of a subquery, whose windows may come again; for
// measurements AggregateScan is faster, and does wherever the order of rows cannot show.
// Source: InfluxDB 1.x "query/iterator.gen.go", reduce iterators.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "query/call_plan.h"
#include "query/execute.h"
#include "query/stream_points.h"

namespace varve::query {

// Appends to `out` the points of `leaf`, which has a function. `stream`: the groups whose rows are
// one stream. `aux`: the columns that come along. Texts are kept in `texts`.
absl::Status ScanStream(const PreparedSelect& select, const GroupedSources& grouped,
                        std::span<const uint32_t> stream, const LeafPlan& leaf,
                        const std::vector<VarRef>& aux, QueryState& query, TextArena* texts,
                        StreamPoints* out);

// The rows of a stream, in InfluxDB's order, with the group of each.
class StreamReader {
 public:
  // Everything passed must outlive the reader. `columns`: the argument of a call first.
  StreamReader(const PreparedSelect& select, const GroupedSources& grouped,
               std::span<const uint32_t> stream, const model::TimeRange& range,
               std::vector<VarRef> columns, QueryState& query);
  ~StreamReader();

  struct Block {
    size_t rows = 0;
    const int64_t* times = nullptr;
    const model::FieldValue* values = nullptr;  // rows * columns
    const uint32_t* groups = nullptr;
  };
  // The next rows, until the next call; rows == 0 at the end.
  absl::Status Next(Block* block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace varve::query
