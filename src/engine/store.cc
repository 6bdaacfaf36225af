#include "engine/store.h"

#include <algorithm>

#include "base/status.h"
#include "engine/shard_view.h"
#include "engine/store_impl.h"

namespace varve::engine {
namespace {

// How long a full cache is told of: requests come now and then.
constexpr int64_t kCacheFullShownNs = 10'000'000'000;

std::string ParentOf(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(base::Env& env, StoreOptions options,
                                                   std::vector<KnownShard> known,
                                                   model::ShardRouter& router) {
  auto store = std::make_unique<StoreImpl>(env, std::move(options), router);
  RETURN_IF_ERROR(store->Start(std::move(known)));
  return std::unique_ptr<Store>(std::move(store));
}

StoreImpl::StoreImpl(base::Env& env, StoreOptions options, model::ShardRouter& router)
    : env_(env),
      options_(std::move(options)),
      router_(router),
      space_(env, {options_.data_folder, options_.wal_folder}),
      compaction_rate_(env, options_.compact_bytes_per_second),
      damage_(std::make_shared<DamageList>(options_.on_damage)) {}

StoreImpl::~StoreImpl() {
  StopBackground();
  log_.reset();  // applies what waits, while all of this still exists
}

absl::Status StoreImpl::Start(std::vector<KnownShard> known) {
  RETURN_IF_ERROR(OpenFolders(known));
  wal::LogOptions log_options;
  log_options.folder = options_.wal_folder;
  log_options.sync = options_.sync;
  log_options.sync_interval_ms = options_.sync_interval_ms;
  log_options.open_damaged = true;
  {
    absl::MutexLock lock(&apply_mu_);
    for (const KnownShard& shard : known) known_[shard.shard] = shard;
    replaying_ = true;
  }
  for (const auto& shard : AllShards()) {
    log_options.lsn_floor = std::max(log_options.lsn_floor, shard->flushed_lsn());
  }
  // From the start: the log keeps what some shard needs, and each passes over what it has.
  ASSIGN_OR_RETURN(log_, wal::Log::Open(env_, log_options, /*after=*/0,
                                        [this](const wal::Record& record) { Apply(record); }));
  damage_->Note(log_->health());
  {
    absl::MutexLock lock(&apply_mu_);
    replaying_ = false;
    known_.clear();
    applied_lsn_ = std::max(applied_lsn_, log_->applied());
    RETURN_IF_ERROR(replay_error_);
    for (const auto& shard : AllShards()) {
      shard->EndReplay();
      for (const absl::Status& damage : shard->damage()) damage_->Note(damage);
    }
  }
  StartBackground();
  return absl::OkStatus();
}

absl::Status StoreImpl::OpenFolders(const std::vector<KnownShard>& known) {
  RETURN_IF_ERROR(env_.CreateDirs(options_.data_folder));
  RETURN_IF_ERROR(env_.SyncDir(ParentOf(options_.data_folder)));
  ASSIGN_OR_RETURN(const auto names, env_.List(options_.data_folder));
  for (const std::string& name : names) {
    if (name.ends_with(kDroppedSuffix)) {
      RETURN_IF_ERROR(env_.RemoveTree(base::JoinPath(options_.data_folder, name)));
    } else if (model::DatabaseId id; ParseDatabaseFolderName(name, &id)) {
      RETURN_IF_ERROR(OpenKnownDatabase(id));
    }
  }
  // A database without a shard keeps its series table: the log may still name its ids.
  for (const KnownShard& shard : known) {
    RETURN_IF_ERROR(OpenKnownDatabase(shard.database));
    const auto database = FindDatabase(shard.database);
    if (database == nullptr) continue;
    if (!env_.Exists(base::JoinPath(database->folder(), ShardFolderName(shard.shard)))) continue;
    bool created;
    RETURN_IF_ERROR(database->OpenShard(shard, &created).status());
  }
  for (const auto& database : Databases()) {
    ASSIGN_OR_RETURN(const auto folders, env_.List(database->folder()));
    for (const std::string& name : folders) {
      model::ShardId id;
      const bool dropped = name.ends_with(kDroppedSuffix);
      if (!dropped && !(ParseShardFolderName(name, &id) && database->FindShard(id) == nullptr)) {
        continue;
      }
      RETURN_IF_ERROR(env_.RemoveTree(base::JoinPath(database->folder(), name)));
    }
  }
  return absl::OkStatus();
}

absl::Status StoreImpl::OpenKnownDatabase(model::DatabaseId id) {
  if (!DamageOf(id).ok()) return absl::OkStatus();
  const absl::Status status = OpenDatabase(id).status();
  if (!absl::IsDataLoss(status)) return status;
  damage_->Note(status);
  absl::MutexLock lock(&databases_mu_);
  damaged_[id] = status;
  return absl::OkStatus();
}

absl::Status StoreImpl::DamageOf(model::DatabaseId id) const {
  absl::ReaderMutexLock lock(&databases_mu_);
  const auto found = damaged_.find(id);
  return found == damaged_.end() ? absl::OkStatus() : found->second;
}

std::shared_ptr<DatabaseState> StoreImpl::FindDatabase(model::DatabaseId id) const {
  absl::ReaderMutexLock lock(&databases_mu_);
  const auto found = databases_.find(id);
  return found == databases_.end() ? nullptr : found->second;
}

absl::StatusOr<std::shared_ptr<DatabaseState>> StoreImpl::OpenDatabase(model::DatabaseId id) {
  if (auto found = FindDatabase(id)) return found;
  RETURN_IF_ERROR(DamageOf(id));
  absl::MutexLock open_lock(&open_mu_);
  if (auto found = FindDatabase(id)) return found;
  ASSIGN_OR_RETURN(auto state, DatabaseState::Open(env_, options_.data_folder, id, cache_bytes_));
  absl::MutexLock lock(&databases_mu_);
  databases_[id] = state;
  return state;
}

std::vector<std::shared_ptr<DatabaseState>> StoreImpl::Databases() const {
  absl::ReaderMutexLock lock(&databases_mu_);
  std::vector<std::shared_ptr<DatabaseState>> databases;
  for (const auto& [id, database] : databases_) databases.push_back(database);
  return databases;
}

std::vector<std::shared_ptr<Shard>> StoreImpl::AllShards() const {
  std::vector<std::shared_ptr<Shard>> shards;
  for (const auto& database : Databases()) {
    const auto own = database->Shards();
    shards.insert(shards.end(), own.begin(), own.end());
  }
  return shards;
}

absl::StatusOr<std::shared_ptr<const ReadView>> StoreImpl::OpenView(
    model::DatabaseId id, const std::vector<KnownShard>& shards) {
  const auto database = FindDatabase(id);
  if (database == nullptr) {
    RETURN_IF_ERROR(DamageOf(id));
    return std::make_shared<const ShardView>(nullptr, nullptr, std::vector<ShardSnapshot>(),
                                             damage_);
  }
  std::vector<ShardSnapshot> snapshots;
  snapshots.reserve(shards.size());
  std::unique_ptr<const index::SeriesTable::KeyReader> keys;
  {
    // No series is forgotten while this is held: the keys are those of every series of a shard that
    // is found now.
    absl::MutexLock lock(&apply_mu_);
    for (const KnownShard& known : shards) {
      auto shard = database->FindShard(known.shard);
      if (shard == nullptr) continue;
      RETURN_IF_ERROR(shard->incomplete());
      snapshots.push_back(shard->Snapshot());
      snapshots.back().owner = std::move(shard);
    }
    keys = database->table().NewKeyReader();
  }
  return std::make_shared<const ShardView>(database->shared_table(), std::move(keys),
                                           std::move(snapshots), damage_);
}

absl::Status StoreImpl::DropShard(model::DatabaseId id, model::ShardId shard) {
  const auto database = FindDatabase(id);
  return database == nullptr ? absl::OkStatus() : database->DropShard(shard);
}

absl::Status StoreImpl::DropDatabase(model::DatabaseId id) {
  std::shared_ptr<DatabaseState> database;
  absl::MutexLock open_lock(&open_mu_);
  dropped_databases_.insert(id);  // ids are never used again
  {
    absl::MutexLock lock(&databases_mu_);
    const auto found = databases_.find(id);
    if (found != databases_.end()) {
      database = std::move(found->second);
      databases_.erase(found);
    } else if (damaged_.erase(id) == 0) {
      return absl::OkStatus();
    }
  }
  if (database != nullptr) {
    for (const auto& shard : database->Shards()) shard->Retire();
  }
  return RemoveFolder(env_, options_.data_folder, DatabaseFolderName(id));
}

std::string StoreImpl::MeasurementName(model::DatabaseId id,
                                       model::MeasurementId measurement) const {
  const auto database = FindDatabase(id);
  return database == nullptr ? std::string() : database->table().MeasurementName(measurement);
}

std::vector<ShardStatus> StoreImpl::Shards() const {
  const int64_t now_ns = env_.MonotonicNs();
  std::vector<ShardStatus> result;
  for (const auto& shard : AllShards()) result.push_back(shard->Status(now_ns));
  return result;
}

std::vector<DatabaseStatus> StoreImpl::DatabaseStatuses() const {
  std::vector<DatabaseStatus> result;
  for (const auto& database : Databases()) {
    DatabaseStatus status;
    status.database = database->id();
    status.index_bytes = database->table().memory_bytes();
    index::SeriesSet series;
    absl::flat_hash_set<model::MeasurementId> measurements;
    for (const auto& shard : database->Shards()) {
      const auto view = shard->IndexView();
      series |= view->AllSeries();
      for (const model::MeasurementId id : view->Measurements()) measurements.insert(id);
    }
    status.series = series.Count();
    status.measurements = measurements.size();
    result.push_back(status);
  }
  return result;
}

StoreStatus StoreImpl::Status() const {
  StoreStatus status;
  status.log_health = log_->health();
  status.disk_health = space_.CheckForWrite();
  status.health = status.log_health;
  status.health.Update(status.disk_health);
  const int64_t full_at_ns = cache_full_at_ns_.load();
  status.cache_full = full_at_ns != 0 && env_.MonotonicNs() - full_at_ns < kCacheFullShownNs;
  status.cache_bytes = static_cast<uint64_t>(std::max<int64_t>(cache_bytes_->load(), 0));
  status.wal_bytes = log_->bytes();
  status.cache_bytes_max = options_.cache_bytes_max;
  status.wal = log_->Status();
  status.activity = activity_.Read();
  status.rollups = rollups_.load();
  for (const auto& shard : AllShards()) {
    status.compactions_waiting += PlanCompaction(shard->CompactionFiles(), {}).has_value() ? 1 : 0;
  }
  status.writes = writes_.load();
  status.writes_refused = writes_refused_.load();
  status.points_written = points_written_.load();
  status.values_written = values_written_.load();
  status.points_dropped = points_dropped_.load();
  status.damage = damage_->List();
  if (!status.damage.empty()) status.last_background_error = status.damage.front();
  absl::MutexLock lock(&status_mu_);
  status.last_background_error.Update(last_background_error_);
  return status;
}

}  // namespace varve::engine
