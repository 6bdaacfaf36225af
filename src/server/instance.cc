#include "server/instance.h"

#include <algorithm>
#include <thread>
#include <utility>

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
  ASSIGN_OR_RETURN(instance->store_,
                   engine::Store::Open(env, std::move(options.store), KnownShards(*catalog),
                                       *instance->catalog_));

  size_t threads = options.query_threads;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  instance->workers_ = std::make_unique<base::ThreadPool>(threads, kWorkerQueueMax);
  query::Executor::Environment environment;
  environment.env = &env;
  environment.catalog = instance->catalog_.get();
  environment.store = instance->store_.get();
  environment.workers = instance->workers_.get();
  environment.limits = options.limits;
  environment.facts = std::move(options.facts);
  environment.on_slow_query = std::move(options.on_slow_query);
  instance->executor_ = query::Executor::Create(std::move(environment));
  return instance;
}

Instance::~Instance() { CloseStore(); }

void Instance::CloseStore() {
  executor_.reset();
  workers_.reset();
  store_.reset();
}

}  // namespace varve::server
