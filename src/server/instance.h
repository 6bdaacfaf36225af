// An open data folder: catalog, store and executor, wired together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/env.h"
#include "base/thread_pool.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "query/executor.h"
#include "retention/continuous_queries.h"
#include "retention/declarations.h"
#include "retention/enforcer.h"
#include "retention/ticker.h"

namespace varve::server {

struct InstanceOptions {
  std::string lock_file;  // taken before anything is read; its folder is created
  std::string meta_folder;
  meta::CatalogOptions catalog;
  engine::StoreOptions store;  // with its folders
  query::QueryLimits limits;
  size_t query_threads = 0;  // 0: one per core
  query::ServerFacts facts;
  // Applied before anything can expire or run by what was declared before.
  std::vector<retention::DeclaredDatabase> declared;
  bool enforce_retention = true;
  int64_t retention_check_interval_ns = 30 * 60 * int64_t{1'000'000'000};
  // As retention::Enforcer::Environment's.
  std::function<void(const retention::ExpiredShard&)> on_shard_expired;
  std::function<void(const retention::ExpiredPoints&)> on_points_expired;
  std::function<void(const absl::Status&)> on_retention_error;
  bool run_continuous_queries = true;
  int64_t continuous_queries_interval_ns = 1'000'000'000;
  // As retention::ContinuousQueryService::Options'.
  std::function<void(const retention::QueryRun&)> on_query_run;
  std::function<void(const retention::QueryError&)> on_query_error;
  // As query::Executor::Environment's.
  std::function<void(std::string_view query, std::string_view database, int64_t duration_ns)>
      on_slow_query;
};

// The folders of an instance below one root: meta/, data/, wal/ and LOCK.
void SetFolders(const std::string& root, InstanceOptions* options);

// Thread safety: every method may be called from any thread.
class Instance {
 public:
  // UNAVAILABLE: another process owns the folder. DATA_LOSS: damage, with file and offset. `env`
  // must outlive the instance.
  static absl::StatusOr<std::unique_ptr<Instance>> Open(base::Env& env, InstanceOptions options);
  // Nothing may run in it any more. What was acknowledged is durable.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Refuses to change what is declared.
  meta::Catalog& catalog() { return *guarded_; }
  engine::Store& store() { return *store_; }
  query::Executor& executor() { return *executor_; }
  // Null when retention is not enforced.
  const retention::Enforcer* enforcer() const { return enforcer_.get(); }
  // Null when continuous queries are not run.
  const query::ContinuousQueries* continuous_queries() const { return queries_.get(); }

  // What InstanceOptions::declared changed, a line each.
  const std::vector<std::string>& declared_changes() const { return declared_changes_; }
  // Makes the catalog what the configuration file declares; see retention::Declarations::Apply().
  absl::StatusOr<std::vector<std::string>> Declare(
      std::vector<retention::DeclaredDatabase> databases) {
    return declarations_.Apply(std::move(databases), *catalog_);
  }

  // Closes the store: writes on their way are answered first. Then only the destructor may follow.
  void CloseStore();

 private:
  Instance() = default;
  absl::Status OpenContinuousQueries(base::Env& env, InstanceOptions* options);
  absl::Status StartRetention(base::Env& env, const InstanceOptions& options);
  void StartContinuousQueries(const InstanceOptions& options);

  // In the order they are needed; destroyed from the bottom.
  std::unique_ptr<base::FileLock> lock_;
  retention::Declarations declarations_;
  std::vector<std::string> declared_changes_;
  std::unique_ptr<meta::Catalog> catalog_;
  std::unique_ptr<meta::Catalog> guarded_;  // catalog_, but for changes of what is declared
  std::unique_ptr<retention::ContinuousQueryService> queries_;  // the store tells it of late points
  std::unique_ptr<engine::Store> store_;
  std::unique_ptr<base::ThreadPool> workers_;
  std::unique_ptr<query::Executor> executor_;
  std::unique_ptr<retention::Enforcer> enforcer_;
  std::unique_ptr<retention::Ticker> enforcer_thread_;
  std::unique_ptr<retention::Ticker> queries_thread_;
};

}  // namespace varve::server
