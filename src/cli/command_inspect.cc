#include <iostream>
#include <map>
#include <set>
#include <string>

#include "base/env.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/inspect_walk.h"
#include "index/inspect.h"
#include "meta/catalog_codec.h"
#include "tsm/file.h"
#include "tsm/inspect.h"
#include "tsm/manifest.h"
#include "tsm/rollup.h"
#include "wal/log.h"

namespace varve::cli {
namespace {

base::Env& TheEnv() { return base::Env::Default(); }

// Calls `visit` once for each folder below `path` that holds log segments.
absl::Status ForEachLogFolder(const std::string& path,
                              const std::function<absl::Status(const std::string&)>& visit) {
  std::set<std::string> folders;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) {
    if (file.kind == FileKind::kLogSegment) folders.insert(file.folder);
    return absl::OkStatus();
  }));
  if (folders.empty()) return base::NotFound(path, ": no log segments");
  for (const std::string& folder : folders) RETURN_IF_ERROR(visit(folder));
  return absl::OkStatus();
}

absl::Status PrintLog(const std::string& path) {
  return ForEachLogFolder(path, [](const std::string& folder) -> absl::Status {
    std::map<int, std::pair<uint64_t, uint64_t>> by_type;
    ASSIGN_OR_RETURN(const auto segments,
                     wal::InspectFolder(TheEnv(), folder, [&](const wal::Record& record) {
                       auto& [records, bytes] = by_type[record.type];
                       ++records;
                       bytes += record.payload.size();
                     }));
    std::cout << folder << "\n";
    for (const wal::SegmentInfo& segment : segments) {
      std::cout << "  " << segment.file << "  first LSN " << segment.first_lsn << "  "
                << segment.records << " records  " << segment.bytes << " bytes\n";
    }
    for (const auto& [type, sums] : by_type) {
      std::cout << "  records of type " << type << ": " << sums.first << ", " << sums.second
                << " bytes\n";
    }
    return absl::OkStatus();
  });
}

absl::Status PrintTsm(const std::string& path) {
  bool single = true;
  bool any = false;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) -> absl::Status {
    if (file.path != path) single = false;
    if (file.kind == FileKind::kManifest) {
      any = true;
      std::cout << file.path << "\n";
      return tsm::DumpManifest(TheEnv(), file.folder, std::cout);
    }
    if (file.kind != FileKind::kTsm) return absl::OkStatus();
    any = true;
    std::cout << file.path << "\n";
    tsm::DumpOptions options;
    options.chunks = single;
    return tsm::DumpFile(TheEnv(), file.path, options, std::cout);
  }));
  return any ? absl::OkStatus() : base::NotFound(path, ": no manifest and no *.tsm file");
}

absl::Status PrintIndex(const std::string& path) {
  bool any = false;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) -> absl::Status {
    if (file.kind != FileKind::kSeriesSegment && file.kind != FileKind::kShardSegment) {
      return absl::OkStatus();
    }
    any = true;
    ASSIGN_OR_RETURN(const std::string text, index::DescribeIndex(TheEnv(), file.path));
    std::cout << text;
    if (!text.empty() && text.back() != '\n') std::cout << "\n";
    return absl::OkStatus();
  }));
  return any ? absl::OkStatus() : base::NotFound(path, ": no index segments");
}

absl::Status VerifyTsm(const std::string& folder, const tsm::FileInfo& info) {
  ASSIGN_OR_RETURN(const auto reader, tsm::FileReader::Open(TheEnv(), folder, info));
  return reader->Verify();
}

// OK, too, when the file has none.
absl::Status VerifyRollup(const std::string& folder, const tsm::FileInfo& info) {
  const auto reader = tsm::FileReader::Open(TheEnv(), folder, info);
  if (!reader.ok()) return absl::OkStatus();  // what is wrong there has been told
  const auto rollup = tsm::RollupReader::Open(TheEnv(), folder, **reader);
  if (absl::IsNotFound(rollup.status())) return absl::OkStatus();
  RETURN_IF_ERROR(rollup.status());
  return (*rollup)->Verify();
}

// Counts what was checked, and tells of what is damaged, in the order of finding it.
class Verifier {
 public:
  void Count(const absl::Status& status) {
    ++checked_;
    if (status.ok()) return;
    ++damaged_;
    std::cout << "DAMAGED  " << base::MessageOf(status) << "\n";
  }
  void Shard(const std::string& folder);
  void File(const FoundFile& file);
  void Log(const std::string& folder);
  absl::Status Finish() const {
    std::cout << checked_ << " files checked, " << damaged_ << " damaged" << std::endl;
    return damaged_ == 0 ? absl::OkStatus() : base::DataLoss("damage was found");
  }

 private:
  uint64_t checked_ = 0;
  uint64_t damaged_ = 0;
};

// TSM files are checked through their manifest, which knows their sizes.
void Verifier::Shard(const std::string& folder) {
  const auto manifest = tsm::LoadManifest(TheEnv(), folder);
  Count(manifest.status());
  if (!manifest.ok()) return;
  for (const tsm::ManifestFile& file : manifest->files) {
    Count(VerifyTsm(folder, file.info));
    const std::string rollup = base::JoinPath(folder, tsm::RollupName(file.info.name));
    if (TheEnv().Exists(rollup)) Count(VerifyRollup(folder, file.info));
  }
}

absl::Status VerifyCatalog(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(TheEnv(), path));
  RETURN_IF_ERROR(meta::DecodeCatalog(bytes).status(), path);
  return absl::OkStatus();
}

void Verifier::File(const FoundFile& file) {
  switch (file.kind) {
    case FileKind::kCatalog:
      return Count(VerifyCatalog(file.path));
    case FileKind::kManifest:
      return Shard(file.folder);
    case FileKind::kSeriesSegment:
    case FileKind::kShardSegment:
    case FileKind::kSegmentList:
      return Count(index::VerifyIndex(TheEnv(), file.path));
    default:
      return;
  }
}

// Segments behind a damaged one are not counted: what they hold builds on what it held.
void Verifier::Log(const std::string& folder) {
  const auto segments = wal::InspectFolder(TheEnv(), folder, [](const wal::Record&) {});
  if (!segments.ok()) return Count(segments.status());
  for (size_t i = 0; i < segments->size(); ++i) Count(absl::OkStatus());
}

absl::Status Verify(const std::string& path) {
  Verifier verifier;
  std::set<std::string> log_folders;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) {
    if (file.kind == FileKind::kLogSegment) log_folders.insert(file.folder);
    verifier.File(file);
    return absl::OkStatus();
  }));
  for (const std::string& folder : log_folders) verifier.Log(folder);
  return verifier.Finish();
}

}  // namespace

absl::Status RunInspect(const InspectCommand& command) {
  switch (command.what) {
    case InspectWhat::kWal:
      return PrintLog(command.path);
    case InspectWhat::kTsm:
      return PrintTsm(command.path);
    case InspectWhat::kIndex:
      return PrintIndex(command.path);
    case InspectWhat::kVerify:
      break;
  }
  return Verify(command.path);
}

}  // namespace varve::cli
