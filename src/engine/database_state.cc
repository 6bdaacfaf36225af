#include "engine/database_state.h"

#include <algorithm>
#include <charconv>

#include "base/status.h"

namespace varve::engine {
namespace {

template <typename Id>
bool ParseNumbered(std::string_view name, std::string_view prefix, Id* id) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), *id);
  return error == std::errc() && end == name.data() + name.size();
}

}  // namespace

std::string DatabaseFolderName(model::DatabaseId id) { return base::StrCat("db-", id); }
std::string ShardFolderName(model::ShardId id) { return base::StrCat("shard-", id); }
bool ParseDatabaseFolderName(std::string_view name, model::DatabaseId* id) {
  return ParseNumbered(name, "db-", id);
}
bool ParseShardFolderName(std::string_view name, model::ShardId* id) {
  return ParseNumbered(name, "shard-", id);
}

absl::Status RemoveFolder(base::Env& env, const std::string& parent, const std::string& name) {
  const std::string path = base::JoinPath(parent, name);
  const std::string dropped = base::StrCat(path, kDroppedSuffix);
  if (env.Exists(path)) {
    RETURN_IF_ERROR(env.RenameFile(path, dropped));
    RETURN_IF_ERROR(env.SyncDir(parent));
  }
  return env.RemoveTree(dropped);
}

absl::StatusOr<std::shared_ptr<DatabaseState>> DatabaseState::Open(base::Env& env,
                                                                   const std::string& data_folder,
                                                                   model::DatabaseId id,
                                                                   ByteTotal cache_total) {
  std::shared_ptr<DatabaseState> state(new DatabaseState(
      env, id, base::JoinPath(data_folder, DatabaseFolderName(id)), std::move(cache_total)));
  RETURN_IF_ERROR(env.CreateDirs(state->folder_));
  RETURN_IF_ERROR(env.SyncDir(data_folder));
  ASSIGN_OR_RETURN(std::unique_ptr<index::SeriesTable> table,
                   index::SeriesTable::Open(env, base::JoinPath(state->folder_, "series")),
                   "database=", id);
  state->table_ = std::move(table);
  state->forgetter_ = std::make_unique<SeriesForgetter>(*state->table_);
  return state;
}

std::shared_ptr<Shard> DatabaseState::FindShard(model::ShardId shard) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = shards_.find(shard);
  return found == shards_.end() ? nullptr : found->second;
}

absl::StatusOr<std::shared_ptr<Shard>> DatabaseState::OpenShard(const KnownShard& known,
                                                                bool* created) {
  *created = false;
  if (auto found = FindShard(known.shard)) return found;
  absl::MutexLock open_lock(&open_mu_);
  if (auto found = FindShard(known.shard)) return found;
  if (dropped_.contains(known.shard)) {
    return base::NotFound("shard ", known.shard, " is pending deletion");
  }
  const std::string folder = base::JoinPath(folder_, ShardFolderName(known.shard));
  *created = !env_.Exists(folder);
  ASSIGN_OR_RETURN(std::shared_ptr<Shard> shard,
                   Shard::Open(env_, folder, known, *table_, cache_total_), "shard=", known.shard);
  if (*created) RETURN_IF_ERROR(env_.SyncDir(folder_));
  absl::MutexLock lock(&mu_);
  shards_[known.shard] = shard;
  return shard;
}

std::vector<std::shared_ptr<Shard>> DatabaseState::Shards() const {
  std::vector<std::shared_ptr<Shard>> shards;
  {
    absl::ReaderMutexLock lock(&mu_);
    for (const auto& [id, shard] : shards_) shards.push_back(shard);
  }
  std::sort(shards.begin(), shards.end(),
            [](const auto& a, const auto& b) { return a->known().shard < b->known().shard; });
  return shards;
}

absl::Status DatabaseState::DropShard(model::ShardId id) {
  std::shared_ptr<Shard> shard;
  {
    absl::MutexLock open_lock(&open_mu_);
    dropped_.insert(id);
    absl::MutexLock lock(&mu_);
    const auto found = shards_.find(id);
    if (found != shards_.end()) {
      shard = std::move(found->second);
      shards_.erase(found);
    }
  }
  // It cannot be opened again, so what takes long holds nobody up.
  if (shard != nullptr) shard->Retire();
  forgetter_->Want();
  return RemoveFolder(env_, folder_, ShardFolderName(id));
}

void DatabaseState::DropUnusedLayouts() {
  const auto [series, end] = table_->FlushedSeries();
  for (size_t page = 0; (page + 1) * kLayoutPage <= end; ++page) {
    if (last_layouts_.FindPage(page) == nullptr ||
        series.IntersectsRange(page * kLayoutPage, (page + 1) * kLayoutPage)) {
      continue;
    }
    last_layouts_.DropPage(page);
  }
}

void DatabaseState::NoteDefinitions(wal::Lsn lsn) {
  wal::Lsn none = 0;
  first_definition_.compare_exchange_strong(none, lsn);
}

absl::Status DatabaseState::FlushTable() {
  // What is registered from here on is either written too or noted anew.
  const wal::Lsn first = first_definition_.exchange(0);
  const absl::Status status = table_->Flush();
  if (!status.ok() && first != 0) first_definition_ = first;
  return status;
}

}  // namespace varve::engine
