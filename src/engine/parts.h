// What a shard consists of at one moment.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "engine/cache.h"
#include "engine/store.h"
#include "index/shard_index.h"
#include "tsm/file.h"
#include "tsm/manifest.h"
#include "tsm/rollup.h"
#include "tsm/tombstone.h"
#include "wal/log.h"

namespace varve::engine {

struct FilePart {
  tsm::ManifestFile file;
  std::shared_ptr<tsm::FileReader> reader;    // null when the file could not be opened
  absl::Status damage;                        // then why
  std::shared_ptr<tsm::RollupReader> rollup;  // null while there is none
};

struct FrozenCache {
  std::shared_ptr<const Cache> cache;
  wal::Lsn first_lsn = 0;  // of the oldest record that needs this cache to be flushed
  wal::Lsn last_lsn = 0;   // records of the shard up to it are in files or caches up to this one
};

// Files, caches and tombstones of a shard; replaced whole, never changed. Sequences ascend from
// files to frozen caches to the active one, and each is unique: what has a greater one is newer.
struct Parts {
  std::vector<FilePart> files;
  std::vector<FrozenCache> frozen;
  std::shared_ptr<Cache> active;
  std::vector<tsm::Tombstone> tombstones;
};

// A shard as one query sees it.
struct ShardSnapshot {
  KnownShard shard;
  std::shared_ptr<const void> owner;  // keeps what the rest refers to alive
  std::shared_ptr<const Parts> parts;
  CacheEpoch epoch = 0;  // of the active cache
  std::shared_ptr<const index::ShardIndexView> index;
  absl::Status damage;  // when the shard's manifest cannot be read
};

}  // namespace varve::engine
