// Varve in a process: open a folder, write line protocol, query InfluxQL, close.
//
//   auto db = varve::Database::Open({.folder = "data"});
//   (*db)->Write("building", "temperature,floor=2 value=21.5 1700000000000000000");
//   (*db)->Query("building", "SELECT mean(value) FROM temperature GROUP BY floor", printer);
//
// The same folder can be served by varved, but not at the same time: a folder has one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varve {

struct OpenOptions {
  std::string folder;                     // created when absent
  bool sync_every_write = true;           // false: synced once a second
  uint64_t cache_bytes_max = 256u << 20;  // what may wait in memory for its file
  size_t query_threads = 0;               // 0: one per core
};

// Times are nanoseconds since 1970 UTC. monostate: null.
struct Time {
  int64_t ns = 0;
};
using Value = std::variant<std::monostate, double, int64_t, uint64_t, bool, std::string_view, Time>;

// One row of an answer. Everything is borrowed for the call.
struct Row {
  int statement = 0;  // which statement of the text, from 0
  std::string_view series;
  const std::vector<std::pair<std::string, std::string>>* tags = nullptr;
  const std::vector<std::string>* columns = nullptr;
  const std::vector<Value>* values = nullptr;
};
// Return an error to stop the query; Query() then returns it.
using RowCallback = std::function<absl::Status(const Row&)>;

// Thread safety: every method may be called from any thread.
class Database {
 public:
  // UNAVAILABLE: another process owns the folder. DATA_LOSS: damage, with file and offset.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const OpenOptions& options);
  virtual ~Database() = default;  // closes; everything acknowledged is durable

  // Writes lines of line protocol, creating the database `name` if there is none. Durable when it
  // returns OK. INVALID_ARGUMENT with InfluxDB's words: some lines were refused, the rest written.
  virtual absl::Status Write(std::string_view name, std::string_view lines) = 0;

  // Runs InfluxQL and hands the rows to `row` as they come. The error of a statement is returned
  // when the others have run.
  virtual absl::Status Query(std::string_view name, std::string_view influxql,
                             const RowCallback& row) = 0;
};

}  // namespace varve
