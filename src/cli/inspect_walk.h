// Finds the files of a data folder by what they are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace varve::cli {

enum class FileKind : uint8_t {
  kCatalog,        // meta/CATALOG
  kLogSegment,     // *.wal
  kManifest,       // a shard's MANIFEST
  kTsm,            // *.tsm
  kSeriesSegment,  // *.seg, of the series dictionary
  kShardSegment,   // *.seg, of a shard's index
  kSegmentList,    // *.list
  kOther,
};

struct FoundFile {
  FileKind kind = FileKind::kOther;
  std::string path;
  std::string folder;
  std::string name;
  uint64_t bytes = 0;
};

// Calls `visit` for each file below `path` (or for the file `path`), in order of their paths, and
// stops at its first error. NOT_FOUND: no such file or folder.
absl::Status WalkFiles(const std::string& path,
                       const std::function<absl::Status(const FoundFile&)>& visit);

}  // namespace varve::cli
