#include "wal/segment_reader.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::wal {
namespace {

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

absl::StatusOr<SegmentHeader> CheckHeader(std::string_view bytes, const std::string& path) {
  ASSIGN_OR_RETURN(const SegmentHeader header, DecodeSegmentHeader(bytes), "file=", path,
                   " offset=0");
  if (header.first_lsn == 0 || SegmentFileName(header.first_lsn) != BaseName(path)) {
    return base::DataLoss("WAL segment under a wrong name: file=", path,
                          " offset=8 first_lsn=", header.first_lsn);
  }
  return header;
}

}  // namespace

SegmentReader::SegmentReader(std::string path, std::string bytes, SegmentHeader header)
    : path_(std::move(path)),
      bytes_(std::move(bytes)),
      header_(header),
      next_lsn_(header.first_lsn) {}

absl::StatusOr<SegmentReader> SegmentReader::Open(base::Env& env, const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, base::ReadFile(env, path));
  ASSIGN_OR_RETURN(const SegmentHeader header, CheckHeader(bytes, path));
  return SegmentReader(path, std::move(bytes), header);
}

absl::StatusOr<SegmentHeader> ReadSegmentHeader(base::Env& env, const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::RandomAccessFile> file, env.OpenFile(path));
  std::string bytes(std::min<uint64_t>(file->size(), kSegmentHeaderBytes), '\0');
  RETURN_IF_ERROR(file->Read(0, bytes.size(), bytes.data()));
  return CheckHeader(bytes, path);
}

absl::StatusOr<std::optional<Record>> SegmentReader::Next() {
  if (ended_) return std::nullopt;
  if (at_ == bytes_.size()) {
    ended_ = true;
    return std::nullopt;
  }
  const std::optional<RecordHeader> header = DecodeRecord(bytes_, at_);
  if (!header || header->lsn != next_lsn_ || header->synced_bytes > at_) {
    return base::DataLoss("damaged WAL record: file=", path_, " offset=", at_);
  }
  const size_t end = at_ + kRecordHeaderBytes + header->payload_bytes;
  if (header->type == kEndMark) {
    if (end != bytes_.size()) {
      return base::DataLoss("bytes behind the end of a WAL segment: file=", path_, " offset=", end);
    }
    ended_ = true;
    has_end_mark_ = true;
    return std::nullopt;
  }
  Record record;
  record.lsn = header->lsn;
  record.type = header->type;
  record.payload = std::string_view(bytes_).substr(at_ + kRecordHeaderBytes, header->payload_bytes);
  at_ = end;
  ++next_lsn_;
  return record;
}

SegmentReader::Tail SegmentReader::AfterDamage() const {
  // Records are found again by their LSN: one in range and the right checksum leave no doubt, and
  // checksums are computed for next to no other place.
  const Lsn lsn_max = next_lsn_ + (bytes_.size() - at_) / kRecordHeaderBytes;
  for (size_t at = at_; at < bytes_.size(); ++at) {
    const std::optional<RecordHeader> peek = PeekRecord(bytes_, at);
    if (!peek || peek->lsn < next_lsn_ || peek->lsn > lsn_max) continue;
    if (peek->synced_bytes > at_ && DecodeRecord(bytes_, at)) return Tail::kDurable;
  }
  return Tail::kTorn;
}

}  // namespace varve::wal
