// Runs InfluxQL: the one entrance to the query room.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "base/thread_pool.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "query/continuous_queries.h"
#include "query/parser.h"

namespace varve::query {

// One cell of an answer. 16 bytes of value and a kind; text is borrowed (see RowBatch).
struct Cell {
  enum class Kind : uint8_t { kNull, kFloat, kInteger, kUnsigned, kBoolean, kString, kTime };
  Kind kind = Kind::kNull;
  // kString: `text` is a list of strings, each ended by a NUL (SHOW SUBSCRIPTIONS, destinations).
  bool is_list = false;
  union {
    double float_value;
    int64_t integer_value = 0;  // also kTime: nanoseconds since 1970 UTC
    uint64_t unsigned_value;
    bool boolean_value;
  };
  std::string_view text;

  static Cell Null() { return {}; }
  static Cell Float(double v) {
    Cell c;
    c.kind = Kind::kFloat;
    c.float_value = v;
    return c;
  }
  static Cell Integer(int64_t v) {
    Cell c;
    c.kind = Kind::kInteger;
    c.integer_value = v;
    return c;
  }
  static Cell Unsigned(uint64_t v) {
    Cell c;
    c.kind = Kind::kUnsigned;
    c.unsigned_value = v;
    return c;
  }
  static Cell Boolean(bool v) {
    Cell c;
    c.kind = Kind::kBoolean;
    c.boolean_value = v;
    return c;
  }
  static Cell String(std::string_view v) {
    Cell c;
    c.kind = Kind::kString;
    c.text = v;
    return c;
  }
  static Cell List(std::string_view items) {
    Cell c = String(items);
    c.is_list = true;
    return c;
  }
  static Cell Time(int64_t ns) {
    Cell c;
    c.kind = Kind::kTime;
    c.integer_value = ns;
    return c;
  }
};

// What rows of an answer have in common.
struct SeriesHeader {
  std::string name;                                       // empty: left out of the answer
  std::vector<std::pair<std::string, std::string>> tags;  // ascending by key; empty: left out
  std::vector<std::string> columns;
  // tz(): times are printed with this zone's offset. Empty: UTC.
  std::string location;
};

// Some rows of one series of an answer, row by row: cells.size() is rows * columns.
// Everything is borrowed for the call it is passed to.
struct RowBatch {
  const SeriesHeader* header = nullptr;
  bool new_series = false;  // the first rows of a series; the header may equal the last one's
  size_t rows = 0;          // 0 only for a series that has columns but no values
  std::vector<Cell> cells;
};

// Some rows of one series of an answer as the operators have them: row by row the values of all
// columns but the time. Everything is borrowed for the call it is passed to.
struct ValueBatch {
  const SeriesHeader* header = nullptr;
  bool new_series = false;
  size_t rows = 0;
  const int64_t* times = nullptr;
  const model::FieldValue* values = nullptr;  // rows * (columns - 1)
  // Not null: of each row, which of the stored series it is of, numbered from 0 within the series
  // of the answer. Columns marked in `fixed`, the time left out, are the same in all rows of one.
  const uint32_t* members = nullptr;
  std::span<const uint8_t> fixed;
};

// Takes rows without cells being made of them.
class ValueSink {
 public:
  virtual ~ValueSink() = default;
  virtual absl::Status Values(const ValueBatch& batch) = 0;
};

// Takes the answer as it comes. The executor calls it from one thread at a time. An error returned
// by a method stops the query; it is how a client that went away is noticed.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // Statement `id` (from 0) begins.
  virtual absl::Status BeginStatement(int id) = 0;
  virtual absl::Status Rows(const RowBatch& batch) = 0;
  // What takes rows of a SELECT instead of Rows(); null: nothing does.
  virtual ValueSink* value_sink() { return nullptr; }
  virtual absl::Status Message(std::string_view level, std::string_view text) = 0;
  // The statement ends; on an error the text is shown as the statement's "error", behind what
  // series there already were.
  virtual absl::Status EndStatement(const absl::Status& status) = 0;
};

// Who asks. Null pointer where one is taken: authentication is off, everything is allowed.
struct Principal {
  std::string user;
  bool admin = false;
  // Filled from the catalog when the request came in.
  std::map<std::string, meta::Privilege> privileges;
};

// A thread that a query may use for a short while, since it is wanted for something else: for most
// queries that is enough, and they need no other. Once given back it is the query's own, as any
// thread is.
class LentThread {
 public:
  virtual ~LentThread() = default;
  // Tells that the query goes on; gives the thread back when the while is over. Whether the calling
  // thread is one that is still lent. Any thread.
  virtual bool GoesOn() = 0;
  // Called, on the thread that runs the query, before that waits or does in one go what may take
  // long; of no effect on another, and once it was given back.
  virtual void GiveBack() = 0;
};

struct QueryRequest {
  std::string text;
  Parameters parameters;
  std::string database;          // default for unqualified names
  std::string retention_policy;  // same; empty: the database's default policy
  bool read_only = false;        // GET: a statement that writes adds the "deprecated" message
  const Principal* principal = nullptr;
  std::string client;  // address, for SHOW QUERIES and the log
  const std::atomic<bool>* cancelled =
      nullptr;                   // set by the server when the client is gone; or null
  LentThread* thread = nullptr;  // the one that calls Run(), if it is lent; or null
  // Called before the first statement with a function that says whether the request is to end:
  // killed, timed out, or its client gone. A sink that waits asks it now and then, so that no slow
  // client holds a query that is over. The function is valid until Run() returns. May be empty.
  std::function<void(const std::function<absl::Status()>& interrupted)> on_begin;
};

// The [coordinator] section. 0: no limit.
struct QueryLimits {
  int64_t timeout_ns = 0;
  size_t max_concurrent = 0;
  uint64_t max_select_points = 0;
  uint64_t max_select_series = 0;
  uint64_t max_select_buckets = 0;
  uint64_t memory_bytes = uint64_t{1} << 30;  // per query
  int64_t log_after_ns = 0;
};

// One row group of SHOW STATS / SHOW DIAGNOSTICS, given by whoever knows.
struct StatisticsRow {
  std::string module;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> names;
  std::vector<std::variant<double, int64_t, std::string>> values;
};
// A shard that retention dropped.
struct DroppedShard {
  model::ShardId shard = 0;
  std::string database;
  std::string policy;
  model::TimeRange range;
  int64_t dropped_ns = 0;  // wall clock
  uint64_t bytes = 0;      // of its files
};
struct ServerFacts {
  std::function<std::vector<StatisticsRow>()> statistics;   // may be empty
  std::function<std::vector<StatisticsRow>()> diagnostics;  // may be empty
  // The latest, oldest first; may be empty.
  std::function<std::vector<DroppedShard>()> dropped_shards;
};

// Thread safety: every method may be called from any thread.
class Executor {
 public:
  struct Environment {
    base::Env* env = nullptr;  // the clock
    meta::Catalog* catalog = nullptr;
    engine::Store* store = nullptr;
    base::ThreadPool* workers = nullptr;
    QueryLimits limits;
    ServerFacts facts;
    ContinuousQueries* continuous_queries = nullptr;  // null: they are not run
    // Told of a request that took longer than limits.log_after_ns, when it has ended; may be empty.
    std::function<void(std::string_view query, std::string_view database, int64_t duration_ns)>
        on_slow_query;
  };
  // Everything in `environment` must outlive the executor.
  static std::unique_ptr<Executor> Create(Environment environment);
  virtual ~Executor() = default;

  // Parses and runs; answers through `sink`. INVALID_ARGUMENT: the text does not parse (message
  // without the "error parsing query: " prefix), and the sink was not touched. PERMISSION_DENIED:
  // not authorised, likewise ("error authorizing query: " is the caller's). Any other error: the
  // sink's own. Errors of statements go to the sink.
  virtual absl::Status Run(const QueryRequest& request, ResultSink& sink) = 0;
};

}  // namespace varve::query
