// SELECT: from a parsed statement to rows.
//
// compile/ checks and rewrites the statement (InfluxDB's semantic errors, word for word), plan/
// binds it to what the shards hold, operators/ and functions/ compute it on column vectors. What
// the answer must be is InfluxDB 1.x's query package ("compile.go", "select.go", "iterator.go",
// "cursor.go"); how it is computed is ours.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "query/ast.h"
#include "query/executor.h"

namespace varve::query {

// What a query costs; shown by EXPLAIN ANALYZE and kept for metrics.
struct SelectCounters {
  uint64_t series = 0;  // read
  uint64_t rows_scanned = 0;
  uint64_t rows_returned = 0;
  uint64_t blocks_decoded = 0;
  uint64_t blocks_from_statistics = 0;
  uint64_t hours_from_rollups = 0;
  uint64_t blocks_left_out = 0;
  uint64_t block_bytes = 0;  // of the blocks that were decoded, as they lie in the files
};

// What a SELECT runs with. Everything it points to outlives the call.
struct SelectContext {
  const Executor::Environment* environment = nullptr;
  std::string database;          // for names without one; must exist when a source needs it
  std::string retention_policy;  // same; empty: the database's default policy
  int64_t now_ns = 0;            // the value of now(), fixed for the whole request
  // Asked once a batch, from any thread of the query; an error it returns (killed, timed out,
  // client gone) ends the query with that status. Empty: never.
  std::function<absl::Status()> interrupted;
  LentThread* thread = nullptr;        // that of the call, or null: QueryRequest::thread
  SelectCounters* counters = nullptr;  // or null
};

// Checks what needs no data: the calls and their arguments, dimensions, fill, mixing of aggregates
// and fields, conditions, subqueries. INVALID_ARGUMENT with InfluxDB's text.
absl::Status CheckSelect(const SelectStatement& statement, int64_t now_ns);

// Runs `statement` and hands its rows to sink.Rows() in order, in bounded batches; never calls
// BeginStatement or EndStatement. With INTO it writes the rows instead and answers one row
// ("result", time 0, written). Errors, besides the sink's own and `interrupted`'s:
//   INVALID_ARGUMENT    the statement means nothing (InfluxDB's text)
//   NOT_FOUND           database or retention policy
//   RESOURCE_EXHAUSTED  a limit of environment->limits is met
//   DATA_LOSS           a damaged file
// Rows already handed out stay valid; the caller shows the error behind them.
absl::Status RunSelect(const SelectStatement& statement, const SelectContext& context,
                       ResultSink& sink);

// EXPLAIN: one series with the column "QUERY PLAN", a line of the plan in each row: InfluxDB's, and
// with `verbose` our own behind them. With `analyze` the statement is run, its rows are dropped,
// and the plan carries times and counters.
absl::Status ExplainSelect(const Explain& explain, const SelectContext& context, ResultSink& sink);

}  // namespace varve::query
