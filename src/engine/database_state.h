// What the store keeps of one database: its series table, its shards, and how its lines look.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "engine/layout_table.h"
#include "engine/series_forgetter.h"
#include "engine/shard.h"
#include "engine/sparse_array.h"
#include "engine/tag_value_limit.h"
#include "index/series_table.h"
#include "model/types.h"
#include "wal/log.h"

namespace varve::engine {

// Thread safety: every method may be called from any thread.
class DatabaseState {
 public:
  // Opens the database's folder below `data_folder`, creating it. `env` must outlive it.
  // `cache_total`: see Arena.
  static absl::StatusOr<std::shared_ptr<DatabaseState>> Open(base::Env& env,
                                                             const std::string& data_folder,
                                                             model::DatabaseId id,
                                                             ByteTotal cache_total);

  model::DatabaseId id() const { return id_; }
  const std::string& folder() const { return folder_; }
  index::SeriesTable& table() { return *table_; }
  std::shared_ptr<index::SeriesTable> shared_table() const { return table_; }
  LayoutTable& layouts() { return layouts_; }
  TagValueLimit& tag_values() { return tag_values_; }
  SeriesForgetter& forgetter() { return *forgetter_; }

  // The id of the layout the series' last line had, plus one; 0: none yet. For a series that the
  // caller has looked up with a pin in hand (SeriesForgetter::NewPin()).
  std::atomic<uint32_t>& LastLayout(model::SeriesId series) { return last_layouts_.At(series); }

  // Gives back what LastLayout() kept of series that are forgotten.
  void DropUnusedLayouts();

  // Null when it is not open.
  std::shared_ptr<Shard> FindShard(model::ShardId shard) const ABSL_LOCKS_EXCLUDED(mu_);
  // Opens it when it is not. `created` tells whether the shard has never been on disk before.
  // NOT_FOUND: it was dropped.
  absl::StatusOr<std::shared_ptr<Shard>> OpenShard(const KnownShard& shard, bool* created)
      ABSL_LOCKS_EXCLUDED(open_mu_, mu_);
  std::vector<std::shared_ptr<Shard>> Shards() const ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the shard out, waits for work on it to end, and removes its folder. Other shards are
  // opened, written and read meanwhile. After an error, calling it again removes what is left.
  absl::Status DropShard(model::ShardId shard) ABSL_LOCKS_EXCLUDED(open_mu_, mu_);

  // Definitions the log must keep: noted as they are applied, forgotten as the table is flushed.
  void NoteDefinitions(wal::Lsn lsn);
  absl::Status FlushTable();
  wal::Lsn first_unflushed_definition() const { return first_definition_.load(); }

 private:
  DatabaseState(base::Env& env, model::DatabaseId id, std::string folder, ByteTotal cache_total)
      : env_(env), id_(id), folder_(std::move(folder)), cache_total_(std::move(cache_total)) {}

  base::Env& env_;
  const model::DatabaseId id_;
  const std::string folder_;
  const ByteTotal cache_total_;
  std::shared_ptr<index::SeriesTable> table_;  // before the shards, which refer to it
  LayoutTable layouts_;
  TagValueLimit tag_values_;
  static constexpr size_t kLayoutPage = 1024;
  SparseArray<std::atomic<uint32_t>, kLayoutPage> last_layouts_;
  std::unique_ptr<SeriesForgetter> forgetter_;
  std::atomic<wal::Lsn> first_definition_{0};

  absl::Mutex open_mu_;  // held while a shard's folder is opened or removed; before mu_
  mutable absl::Mutex mu_;
  absl::flat_hash_map<model::ShardId, std::shared_ptr<Shard>> shards_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<model::ShardId> dropped_ ABSL_GUARDED_BY(open_mu_);
};

// Names below the data folder. Parse: false when the name is none of these.
std::string DatabaseFolderName(model::DatabaseId id);
std::string ShardFolderName(model::ShardId id);
bool ParseDatabaseFolderName(std::string_view name, model::DatabaseId* id);
bool ParseShardFolderName(std::string_view name, model::ShardId* id);
// What a folder is renamed to before it is removed; found at open, it is removed then.
inline constexpr std::string_view kDroppedSuffix = ".dropped";
// Renames the folder so that it is gone at once, whatever happens, and then removes it. After an
// error, calling it again goes on.
absl::Status RemoveFolder(base::Env& env, const std::string& parent, const std::string& name);

}  // namespace varve::engine
