#include "wal/recovery.h"

#include <optional>

#include "base/status.h"
#include "wal/segment_format.h"
#include "wal/segment_reader.h"

namespace varve::wal {
namespace {

// Reads one segment to its end, or to a torn tail where `newest` allows that.
absl::StatusOr<SegmentInfo> ReadSegment(SegmentReader& reader, const std::string& file, bool newest,
                                        const std::function<void(const Record&)>& visit) {
  SegmentInfo info;
  info.file = file;
  info.first_lsn = reader.header().first_lsn;
  for (;;) {
    absl::StatusOr<std::optional<Record>> record = reader.Next();
    if (!record.ok()) {
      if (!newest || reader.AfterDamage() == SegmentReader::Tail::kDurable) return record.status();
      info.torn_bytes = reader.size() - reader.intact_bytes();
      break;
    }
    if (!record->has_value()) break;
    ++info.records;
    visit(**record);
  }
  info.bytes = reader.size() - info.torn_bytes;
  return info;
}

std::vector<std::string> SegmentFiles(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (ParseSegmentFileName(name)) files.push_back(name);
  }
  return files;  // hex digits of fixed width: the order of names is that of LSNs
}

}  // namespace

absl::StatusOr<RecoveredLog> ReadLog(base::Env& env, const std::string& folder,
                                     const std::function<void(const Record&)>& visit) {
  RecoveredLog log;
  absl::StatusOr<std::vector<std::string>> names = env.List(folder);
  if (absl::IsNotFound(names.status())) return log;
  if (!names.ok()) return names.status();
  const std::vector<std::string> files = SegmentFiles(*names);
  for (size_t i = 0; i < files.size(); ++i) {
    const bool newest = i + 1 == files.size();
    const std::string path = base::JoinPath(folder, files[i]);
    if (newest) {
      // Records come only behind a durable header, so a file this short never had one.
      ASSIGN_OR_RETURN(const uint64_t size, env.FileSize(path));
      if (size <= kSegmentHeaderBytes &&
          absl::IsDataLoss(SegmentReader::Open(env, path).status())) {
        log.unfinished.push_back(files[i]);
        break;
      }
    }
    ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::Open(env, path));
    if (!log.segments.empty() && reader.header().previous_lsn != log.last_lsn) {
      return base::DataLoss("WAL records are missing: file=", path,
                            " offset=0 expected_lsn=", reader.header().previous_lsn,
                            " found_lsn=", log.last_lsn);
    }
    ASSIGN_OR_RETURN(SegmentInfo info, ReadSegment(reader, files[i], newest, visit));
    log.last_lsn = info.records > 0 ? reader.last_lsn() : reader.header().previous_lsn;
    log.segments.push_back(std::move(info));
  }
  return log;
}

absl::Status TruncateDurably(base::Env& env, const std::string& path, uint64_t size) {
  RETURN_IF_ERROR(env.TruncateFile(path, size));
  ASSIGN_OR_RETURN(std::unique_ptr<base::WritableFile> file, env.AppendFile(path));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status RepairTail(base::Env& env, const std::string& folder, RecoveredLog* log) {
  for (const std::string& file : log->unfinished) {
    RETURN_IF_ERROR(env.RemoveFile(base::JoinPath(folder, file)));
    RETURN_IF_ERROR(env.SyncDir(folder));
  }
  log->unfinished.clear();
  if (log->segments.empty() || log->segments.back().torn_bytes == 0) return absl::OkStatus();
  SegmentInfo& newest = log->segments.back();
  RETURN_IF_ERROR(TruncateDurably(env, base::JoinPath(folder, newest.file), newest.bytes));
  newest.torn_bytes = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SegmentInfo>> InspectFolder(
    base::Env& env, const std::string& folder, const std::function<void(const Record&)>& visit) {
  ASSIGN_OR_RETURN(RecoveredLog log, ReadLog(env, folder, visit));
  return std::move(log.segments);
}

}  // namespace varve::wal
