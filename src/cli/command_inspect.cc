#include <iostream>
#include <map>
#include <set>
#include <string>

#include "base/env.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/inspect_walk.h"
#include "index/section_file.h"
#include "index/series_segment.h"
#include "index/shard_segment.h"
#include "meta/catalog_codec.h"
#include "tsm/file.h"
#include "tsm/inspect.h"
#include "tsm/manifest.h"
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
      return tsm::DumpManifest(TheEnv(), file.folder, std::cout);
    }
    if (file.kind != FileKind::kTsm) return absl::OkStatus();
    any = true;
    tsm::DumpOptions options;
    options.chunks = single;
    return tsm::DumpFile(TheEnv(), file.path, options, std::cout);
  }));
  return any ? absl::OkStatus() : base::NotFound(path, ": no manifest and no *.tsm file");
}

absl::Status PrintIndex(const std::string& path) {
  bool any = false;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) -> absl::Status {
    std::string text;
    if (file.kind == FileKind::kSeriesSegment) {
      ASSIGN_OR_RETURN(auto section,
                       index::SectionFile::Open(TheEnv(), file.path, index::kSeriesSegmentFormat));
      ASSIGN_OR_RETURN(const auto segment, index::SeriesSegment::Open(std::move(section)));
      text = segment->Describe();
    } else if (file.kind == FileKind::kShardSegment) {
      ASSIGN_OR_RETURN(auto section,
                       index::SectionFile::Open(TheEnv(), file.path, index::kShardSegmentFormat));
      ASSIGN_OR_RETURN(const auto segment, index::ShardSegment::Open(std::move(section)));
      text = segment->Describe();
    } else {
      return absl::OkStatus();
    }
    any = true;
    std::cout << file.path << "\n" << text;
    if (!text.empty() && text.back() != '\n') std::cout << "\n";
    return absl::OkStatus();
  }));
  return any ? absl::OkStatus() : base::NotFound(path, ": no index segments");
}

absl::Status VerifyShard(const std::string& folder, uint64_t* checked) {
  ASSIGN_OR_RETURN(const tsm::Manifest manifest, tsm::LoadManifest(TheEnv(), folder));
  for (const tsm::ManifestFile& file : manifest.files) {
    ASSIGN_OR_RETURN(const auto reader, tsm::FileReader::Open(TheEnv(), folder, file.info));
    RETURN_IF_ERROR(reader->Verify());
    ++*checked;
  }
  return absl::OkStatus();
}

// One file, or what a manifest names. TSM files are checked through their manifest, which knows
// their sizes.
absl::Status VerifyFile(const FoundFile& file, uint64_t* checked) {
  switch (file.kind) {
    case FileKind::kCatalog: {
      ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(TheEnv(), file.path));
      RETURN_IF_ERROR(meta::DecodeCatalog(bytes).status(), file.path);
      break;
    }
    case FileKind::kManifest:
      RETURN_IF_ERROR(VerifyShard(file.folder, checked));
      break;
    case FileKind::kSeriesSegment: {
      ASSIGN_OR_RETURN(auto section,
                       index::SectionFile::Open(TheEnv(), file.path, index::kSeriesSegmentFormat));
      ASSIGN_OR_RETURN(const auto segment, index::SeriesSegment::Open(std::move(section)));
      RETURN_IF_ERROR(segment->Verify());
      break;
    }
    case FileKind::kShardSegment: {
      ASSIGN_OR_RETURN(auto section,
                       index::SectionFile::Open(TheEnv(), file.path, index::kShardSegmentFormat));
      ASSIGN_OR_RETURN(const auto segment, index::ShardSegment::Open(std::move(section)));
      RETURN_IF_ERROR(segment->Verify());
      break;
    }
    default:
      return absl::OkStatus();
  }
  ++*checked;
  return absl::OkStatus();
}

absl::Status Verify(const std::string& path) {
  uint64_t checked = 0;
  uint64_t damaged = 0;
  const auto note = [&](const absl::Status& status) {
    if (status.ok()) return;
    ++damaged;
    std::cout << "DAMAGED  " << base::MessageOf(status) << "\n";
  };
  std::set<std::string> log_folders;
  RETURN_IF_ERROR(WalkFiles(path, [&](const FoundFile& file) {
    if (file.kind == FileKind::kLogSegment) log_folders.insert(file.folder);
    note(VerifyFile(file, &checked));
    return absl::OkStatus();
  }));
  for (const std::string& folder : log_folders) {
    const auto segments = wal::InspectFolder(TheEnv(), folder, [](const wal::Record&) {});
    note(segments.status());
    if (segments.ok()) checked += segments->size();
  }
  std::cout << checked << " files checked, " << damaged << " damaged" << std::endl;
  return damaged == 0 ? absl::OkStatus() : base::DataLoss("damage was found");
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
