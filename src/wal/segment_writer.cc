#include "wal/segment_writer.h"

#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace varve::wal {

SegmentWriter::SegmentWriter(std::string path, SegmentHeader header,
                             std::unique_ptr<base::WritableFile> file)
    : path_(std::move(path)),
      header_(header),
      file_(std::move(file)),
      next_lsn_(header.first_lsn) {}

absl::StatusOr<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(base::Env& env,
                                                                     const std::string& folder,
                                                                     const SegmentHeader& header,
                                                                     bool* sync_failed) {
  std::string path = base::JoinPath(folder, SegmentFileName(header.first_lsn));
  const std::string temporary = path + ".tmp";
  ASSIGN_OR_RETURN(std::unique_ptr<base::WritableFile> file, env.CreateFile(temporary));
  RETURN_IF_ERROR(file->Append(EncodeSegmentHeader(header)));
  absl::Status status = file->Sync();
  if (status.ok()) {
    RETURN_IF_ERROR(env.RenameFile(temporary, path));
    status = env.SyncDir(folder);
  }
  if (!status.ok()) {
    *sync_failed = true;
    return status;
  }
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(path), header, std::move(file)));
}

void SegmentWriter::Add(Lsn lsn, uint8_t type, std::string_view payload) {
  DCHECK_EQ(lsn, next_lsn_);
  EncodeRecord(lsn, type, synced_bytes_, payload, buffer_);
  next_lsn_ = lsn + 1;
}

absl::Status SegmentWriter::Write() {
  // More than a usual group needs; a larger one gives its memory back.
  constexpr size_t kKeptCapacity = 16 << 20;
  RETURN_IF_ERROR(file_->Append(buffer_));
  bytes_ += buffer_.size();
  buffer_.clear();
  if (buffer_.capacity() > kKeptCapacity) buffer_.shrink_to_fit();
  return absl::OkStatus();
}

absl::Status SegmentWriter::Sync() {
  if (synced_bytes_ == bytes_) return absl::OkStatus();
  RETURN_IF_ERROR(file_->Sync());
  synced_bytes_ = bytes_;
  return absl::OkStatus();
}

absl::Status SegmentWriter::WriteEndMark() {
  DCHECK_EQ(synced_bytes_, bytes_);
  Add(next_lsn_, kEndMark, std::string_view());
  return Write();
}

}  // namespace varve::wal
