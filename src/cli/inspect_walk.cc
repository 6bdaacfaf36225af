#include "cli/inspect_walk.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/env.h"
#include "base/status.h"

namespace varve::cli {
namespace {

namespace fs = std::filesystem;

FileKind KindOf(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name == "CATALOG") return FileKind::kCatalog;
  if (name == "MANIFEST") return FileKind::kManifest;
  if (name.ends_with(".wal")) return FileKind::kLogSegment;
  if (name.ends_with(".tsm")) return FileKind::kTsm;
  if (name.ends_with(".list")) return FileKind::kSegmentList;
  if (!name.ends_with(".seg")) return FileKind::kOther;
  return name.starts_with("series-") ? FileKind::kSeriesSegment : FileKind::kShardSegment;
}

FoundFile Describe(const fs::path& path) {
  FoundFile file;
  file.kind = KindOf(path);
  file.path = path.string();
  file.folder = path.has_parent_path() ? path.parent_path().string() : ".";
  file.name = path.filename().string();
  std::error_code ignored;
  file.bytes = fs::file_size(path, ignored);
  if (ignored) file.bytes = 0;
  return file;
}

}  // namespace

absl::Status WalkFiles(const std::string& path,
                       const std::function<absl::Status(const FoundFile&)>& visit) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error || !fs::exists(status)) return base::NotFound(path, ": no such file or folder");
  if (!fs::is_directory(status)) return visit(Describe(path));
  std::vector<fs::path> files;
  fs::recursive_directory_iterator at(path, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->is_regular_file(error) && !error) files.push_back(at->path());
  }
  if (error) return base::Unavailable(path, ": ", error.message());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) RETURN_IF_ERROR(visit(Describe(file)));
  return absl::OkStatus();
}

}  // namespace varve::cli
