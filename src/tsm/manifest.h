// The manifest of a shard: which files make it up. One small file, replaced atomically.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "tsm/file.h"
#include "tsm/tombstone.h"

namespace varve::tsm {

struct ManifestFile {
  FileInfo info;
  uint32_t level = 0;     // how often its rows were merged; 0: flushed from the cache
  uint64_t sequence = 0;  // order of age: newer data has a greater one; unique
};

// Bytes: docs/format.md, "Manifest". What it does not name does not belong to the shard and may be
// removed at open.
struct Manifest {
  uint64_t flushed_lsn = 0;  // every log record up to this one is in the files
  uint64_t next_sequence = 1;
  std::vector<ManifestFile> files;  // ascending by sequence
  std::vector<Tombstone> tombstones;

  std::string Encode() const;
  static absl::StatusOr<Manifest> Decode(std::string_view bytes);
};

// `folder`/MANIFEST. Load: NOT_FOUND when there is none (a new shard); DATA_LOSS names damage.
absl::Status SaveManifest(base::Env& env, const std::string& folder, const Manifest& manifest);
absl::StatusOr<Manifest> LoadManifest(base::Env& env, const std::string& folder);

}  // namespace varve::tsm
