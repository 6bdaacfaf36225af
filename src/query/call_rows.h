// The points of calls on their way to rows.
#pragma once

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "query/call_plan.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/stream_points.h"

namespace varve::query {

// The points of every call of one group, or of several that are one stream; texts live as long as
// this.
struct GroupPoints {
  GroupPoints(size_t count, QueryState& query) : calls(count), memory(query) {}

  // Counts what is held now, and `more` bytes that are about to be, for the query's budget.
  absl::Status Count(size_t more = 0) {
    size_t bytes = sizeof(GroupPoints) + calls.size() * sizeof(StreamPoints) + texts.bytes() + more;
    for (const StreamPoints& call : calls) {
      bytes += call.points.bytes() + call.groups.capacity() * sizeof(uint32_t);
    }
    return memory.Set(bytes);
  }

  std::vector<StreamPoints> calls;
  // LOOKBACK with fill(previous): what each symbol was last before the answer begins, and when.
  std::vector<model::FieldValue> seeds;
  std::vector<int64_t> seed_times;
  TextArena texts;
  MemoryUse memory;
};

// Joins the points of all calls by group and time, evaluates the fields, hands out rows.
// Source: InfluxDB 1.x "query/cursor.go", scanner cursors, and "query/emitter.go".
class CallRows {
 public:
  // Everything passed must outlive it.
  CallRows(const PreparedSelect& select, const GroupedSources& grouped, const SelectPlan& plan,
           QueryState& query, RowSink& sink);

  // The points of the next group, `only`, or of the next stream of several.
  absl::Status Add(uint32_t only, const GroupPoints& points);
  // True when InfluxDB would send nothing more.
  bool ended() const { return ended_; }

 private:
  // Rows of one group on their way to the sink.
  struct Rows {
    uint32_t group = 0;
    std::vector<int64_t> times;
    std::vector<model::FieldValue> values;
  };
  // The symbols of a row of the answer, the time last, and when each was last given a value.
  struct Row {
    std::vector<model::FieldValue> values;
    std::vector<int64_t> seen;
  };

  Row EmptyRow() const;
  void AddRow(int64_t time, Row* row, Rows* rows);
  absl::Status Flush(Rows* rows);
  bool Pauses(const StreamPoints& stream, size_t call, size_t at, size_t* passed);
  bool Postpone(const GroupPoints& points, const std::vector<size_t>& at,
                const std::vector<size_t>& passed, const std::vector<bool>& pausing);
  int64_t HiddenTime(const Points& points, size_t call, int64_t time, size_t* at) const;
  void TakePoint(const StreamPoints& stream, size_t call, uint32_t group, int64_t time, bool paused,
                 size_t* at, Row* row) const;

  const PreparedSelect& select_;
  const GroupedSources& grouped_;
  const SelectPlan& plan_;
  QueryState& query_;
  RowSink& sink_;
  const bool ascending_;
  std::vector<RowExpression> fields_;
  std::vector<RowExpression> hidden_;
  std::vector<model::FieldValue> symbol_fill_;
  bool sent_any_ = false;          // rows since the last pause
  std::vector<size_t> postponed_;  // pauses of each call, left from the groups before
  bool ended_ = false;
  // As which series the sink knows each group, where they take turns.
  static constexpr size_t kNotBegun = SIZE_MAX;
  std::vector<size_t> series_;
  size_t begun_ = 0;
  uint32_t open_ = UINT32_MAX;  // the group whose rows were handed out last
};

}  // namespace varve::query
