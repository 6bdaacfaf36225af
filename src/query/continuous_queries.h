// What statements need of whoever runs continuous queries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/types.h"
#include "query/ast.h"
#include "query/time_ranges.h"

namespace varve::query {

// How a continuous query fares. Times are nanoseconds since 1970 UTC, 0: not yet.
struct ContinuousQueryStatus {
  std::string database;
  std::string name;
  int64_t last_run_ns = 0;    // when it last ran to its end
  int64_t next_run_ns = 0;    // when it is due
  int64_t done_until_ns = 0;  // the end of the last window it was run for
  int64_t lag_ns = 0;         // how long it has been due
  uint64_t runs = 0;          // of these counts: since the server was started
  uint64_t points_written = 0;
  uint64_t windows_recomputed = 0;  // because of late, changed or deleted points
  uint64_t windows_pending = 0;     // to be recomputed
  uint64_t errors = 0;
  std::string last_error;  // of the last run; empty when it went well
};

// The windows that a backfill computed.
struct BackfillResult {
  model::TimeRange range;  // empty: no window
  uint64_t windows = 0;
  uint64_t points_written = 0;
};

class ResultSink;

// The points that a DELETE is for.
struct DeletedPoints {
  std::string database;
  std::vector<Source> sources;  // measurements; none: all
  ExprPtr condition;            // of tags; or null
  TimeRanges ranges;
};

// Thread safety: every method may be called from any thread.
class ContinuousQueries {
 public:
  virtual ~ContinuousQueries() = default;

  // In the order of SHOW CONTINUOUS QUERIES.
  virtual std::vector<ContinuousQueryStatus> Status() const = 0;

  // Runs SELECT ... INTO and returns how many points it wrote.
  using Runner = std::function<absl::StatusOr<uint64_t>(const SelectStatement&)>;
  // Computes all windows of a query that lie over a time from `from_ns` to `to_ns` (excluded) and
  // are over. NOT_FOUND: no such query.
  virtual absl::StatusOr<BackfillResult> Backfill(const std::string& database,
                                                  const std::string& name, int64_t from_ns,
                                                  int64_t to_ns, const Runner& run) = 0;

  // Runs a SELECT that answers rows.
  using Reader = std::function<absl::Status(const SelectStatement&, ResultSink&)>;
  // Called before points are deleted, so that what was computed of them can be told from other
  // points and taken away with them. What it returns is to be called when they are deleted. Without
  // effect where the points cannot be read.
  virtual std::function<void()> BeforeDelete(const DeletedPoints& points, const Reader& read) = 0;
};

}  // namespace varve::query
