// A whole server without its sockets, on a disk in memory: what a case of the corpus runs in.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/faulty_env.h"
#include "base/thread_pool.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "query/executor.h"
#include "tests/conformance/json_value.h"

namespace varve::conformance {

// An answer as run.py records it.
struct Answer {
  int status = 0;
  Json json;  // null: no body
};

struct QueryStep {
  std::string text;
  std::string database;
  std::string retention_policy;
  std::string epoch;
  std::string parameters;  // JSON
  bool read_only = false;
};
struct WriteStep {
  std::string body;
  std::string database;
  std::string retention_policy;
  std::string precision;
};

// Where the data is when a case's steps are run.
enum class Storage { kCache, kFlushed, kCompacted, kReplayed };

class World {
 public:
  explicit World(int64_t now_ns);
  ~World();

  Answer Query(const QueryStep& step);
  Answer Write(const WriteStep& step);
  void CreateDatabase(const std::string& name);
  // Moves what was written so far to where `storage` says.
  absl::Status Settle(Storage storage);

 private:
  absl::Status Open();

  base::FaultyEnv env_;
  base::ThreadPool workers_;
  std::unique_ptr<meta::Catalog> catalog_;
  std::unique_ptr<engine::Store> store_;
  std::unique_ptr<query::Executor> executor_;
};

}  // namespace varve::conformance
