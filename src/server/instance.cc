#include "server/instance.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "base/status.h"

namespace varve::server {
namespace {

// Tasks that may wait for the query workers; a query that finds no room does the work itself.
constexpr size_t kWorkerQueueMax = 1 << 16;

std::vector<engine::KnownShard> KnownShards(const meta::CatalogData& catalog) {
  std::vector<engine::KnownShard> known;
  for (const meta::Database& database : catalog.databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        known.push_back({database.id, group.shard, group.range});
      }
    }
  }
  return known;
}

// How often the clocks and the catalog are looked at.
constexpr absl::Duration kRetentionRound = absl::Seconds(1);

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

void SetFolders(const std::string& root, InstanceOptions* options) {
  options->lock_file = base::JoinPath(root, "LOCK");
  options->meta_folder = base::JoinPath(root, "meta");
  options->store.data_folder = base::JoinPath(root, "data");
  options->store.wal_folder = base::JoinPath(root, "wal");
}

absl::StatusOr<std::unique_ptr<Instance>> Instance::Open(base::Env& env, InstanceOptions options) {
  std::unique_ptr<Instance> instance(new Instance);
  const std::string folder = FolderOf(options.lock_file);
  RETURN_IF_ERROR(env.CreateDirs(folder));
  auto lock = env.LockFile(options.lock_file);
  if (!lock.ok() && lock.status().code() == absl::StatusCode::kUnavailable) {
    return base::Unavailable("the data folder ", folder,
                             " is in use by another server (its lock is ", options.lock_file, ")");
  }
  if (!lock.ok()) return lock.status();
  instance->lock_ = *std::move(lock);

  ASSIGN_OR_RETURN(instance->catalog_,
                   meta::Catalog::Open(env, options.meta_folder, options.catalog));
  const std::shared_ptr<const meta::CatalogData> catalog = instance->catalog_->Get();
  ASSIGN_OR_RETURN(instance->declared_changes_, instance->Declare(std::move(options.declared)));
  if (options.run_continuous_queries) {
    RETURN_IF_ERROR(instance->OpenContinuousQueries(env, &options));
  }
  ASSIGN_OR_RETURN(instance->store_,
                   engine::Store::Open(env, std::move(options.store), KnownShards(*catalog),
                                       *instance->catalog_));

  size_t threads = options.query_threads;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  instance->workers_ = std::make_unique<base::ThreadPool>(threads, kWorkerQueueMax);
  query::Executor::Environment environment;
  environment.env = &env;
  instance->guarded_ = retention::GuardDeclared(*instance->catalog_, instance->declarations_);
  environment.catalog = instance->guarded_.get();
  environment.store = instance->store_.get();
  environment.workers = instance->workers_.get();
  environment.continuous_queries = instance->queries_.get();
  environment.limits = options.limits;
  environment.facts = std::move(options.facts);
  environment.facts.dropped_shards = [self = instance.get()] {
    return self->enforcer_ == nullptr ? std::vector<query::DroppedShard>()
                                      : self->enforcer_->RecentDrops();
  };
  environment.on_slow_query = std::move(options.on_slow_query);
  instance->executor_ = query::Executor::Create(std::move(environment));
  if (options.enforce_retention) RETURN_IF_ERROR(instance->StartRetention(env, options));
  if (options.run_continuous_queries) instance->StartContinuousQueries(options);
  return instance;
}

absl::Status Instance::OpenContinuousQueries(base::Env& env, InstanceOptions* options) {
  retention::ContinuousQueryService::Options own;
  own.folder = options->meta_folder;
  own.on_run = options->on_query_run;
  own.on_error = options->on_query_error;
  options->store.late_writes = std::make_shared<engine::LateWrites>();
  ASSIGN_OR_RETURN(queries_, retention::ContinuousQueryService::Open(
                                 env, *catalog_, options->store.late_writes, std::move(own)));
  options->store.before_truncate = [queries = queries_.get()] { return queries->SaveNotes(); };
  return absl::OkStatus();
}

void Instance::StartContinuousQueries(const InstanceOptions& options) {
  queries_->Attach(*store_, *executor_, enforcer_.get());
  queries_thread_ =
      std::make_unique<retention::Ticker>(absl::Nanoseconds(options.continuous_queries_interval_ns),
                                          [queries = queries_.get()] { queries->Tick(); });
}

absl::Status Instance::StartRetention(base::Env& env, const InstanceOptions& options) {
  retention::Enforcer::Environment environment;
  environment.env = &env;
  environment.catalog = catalog_.get();
  environment.store = store_.get();
  environment.folder = options.meta_folder;
  environment.check_interval_ns = options.retention_check_interval_ns;
  environment.on_dropped = options.on_shard_expired;
  environment.on_deleted = options.on_points_expired;
  environment.on_error = options.on_retention_error;
  ASSIGN_OR_RETURN(enforcer_, retention::Enforcer::Open(std::move(environment)));
  enforcer_thread_ = std::make_unique<retention::Ticker>(
      kRetentionRound, [enforcer = enforcer_.get()] { enforcer->Tick(); });
  return absl::OkStatus();
}

Instance::~Instance() { CloseStore(); }

void Instance::CloseStore() {
  if (queries_ != nullptr) queries_->Stop();
  queries_thread_.reset();
  enforcer_thread_.reset();
  enforcer_.reset();
  executor_.reset();
  workers_.reset();
  store_.reset();
}

}  // namespace varve::server
