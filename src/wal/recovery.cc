#include "wal/recovery.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "wal/segment_format.h"
#include "wal/segment_reader.h"

namespace varve::wal {
namespace {

// Whether the damage `reader` met took no record that was ever durable.
//   last_lsn  of the segment's last record, by the header of the next; nothing for the newest.
bool IsHarmless(const SegmentReader& reader, std::optional<Lsn> last_lsn) {
  // An older segment has all its records; at most its end mark, which nobody waits for, is lost.
  if (last_lsn) return reader.last_lsn() == *last_lsn;
  return reader.AfterDamage() == SegmentReader::Tail::kTorn;
}

absl::StatusOr<SegmentInfo> ReadSegment(SegmentReader& reader, const std::string& file,
                                        std::optional<Lsn> last_lsn,
                                        const std::function<void(const Record&)>& visit) {
  SegmentInfo info;
  info.file = file;
  info.first_lsn = reader.header().first_lsn;
  for (;;) {
    absl::StatusOr<std::optional<Record>> record = reader.Next();
    if (!record.ok()) {
      if (!IsHarmless(reader, last_lsn)) return record.status();
      info.torn_bytes = reader.size() - reader.intact_bytes();
      break;
    }
    if (!record->has_value()) break;
    ++info.records;
    visit(**record);
  }
  info.closed = reader.has_end_mark();
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
    const std::string path = base::JoinPath(folder, files[i]);
    ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::Open(env, path));
    if (i > 0 && reader.header().previous_lsn != log.last_lsn) {
      return base::DataLoss("WAL records are missing: file=", path,
                            " offset=0 expected_lsn=", reader.header().previous_lsn,
                            " found_lsn=", log.last_lsn);
    }
    std::optional<Lsn> last_lsn;
    if (i + 1 < files.size()) {
      ASSIGN_OR_RETURN(const SegmentHeader next,
                       ReadSegmentHeader(env, base::JoinPath(folder, files[i + 1])));
      last_lsn = next.previous_lsn;
    }
    ASSIGN_OR_RETURN(SegmentInfo info, ReadSegment(reader, files[i], last_lsn, visit));
    log.last_lsn = info.records > 0 ? reader.last_lsn() : reader.header().previous_lsn;
    log.segments.push_back(std::move(info));
  }
  return log;
}

absl::Status RepairTail(base::Env& env, const std::string& folder, RecoveredLog* log) {
  if (log->segments.empty() || log->segments.back().closed) return absl::OkStatus();
  SegmentInfo& newest = log->segments.back();
  if (newest.records == 0 && newest.torn_bytes == 0) return absl::OkStatus();
  const std::string path = base::JoinPath(folder, newest.file);
  ASSIGN_OR_RETURN(std::string bytes, base::ReadFile(env, path));
  bytes.resize(newest.bytes);
  EncodeRecord(newest.first_lsn + newest.records, kEndMark, newest.bytes, std::string_view(),
               bytes);
  RETURN_IF_ERROR(base::WriteFileAtomically(env, path, bytes));
  newest.closed = true;
  newest.bytes = bytes.size();
  newest.torn_bytes = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SegmentInfo>> InspectFolder(
    base::Env& env, const std::string& folder, const std::function<void(const Record&)>& visit) {
  ASSIGN_OR_RETURN(RecoveredLog log, ReadLog(env, folder, visit));
  return std::move(log.segments);
}

}  // namespace varve::wal
