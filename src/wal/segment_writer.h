// Writes one WAL segment.
//
// Bytes: docs/format.md, "WAL segment". Thread safety: one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "wal/segment_format.h"

namespace varve::wal {

class SegmentWriter {
 public:
  // Creates the segment's file in `folder`, replacing one of its name, so that the file has a whole
  // header or does not exist. `*sync_failed` is set when a sync was what
  // failed. `env` must outlive the writer.
  static absl::StatusOr<std::unique_ptr<SegmentWriter>> Create(base::Env& env,
                                                               const std::string& folder,
                                                               const SegmentHeader& header,
                                                               bool* sync_failed);

  // Adds a record to what the next Write() writes.
  void Add(Lsn lsn, uint8_t type, std::string_view payload);
  // Writes what was added. After a failure the file's tail behind bytes() is unspecified.
  absl::Status Write();
  // Makes everything written durable.
  absl::Status Sync();
  // Writes the end mark, which tells a whole segment from one that lost its tail. Sync() comes
  // first, because the mark says of all before it that it was synced, and again behind.
  absl::Status WriteEndMark();
  // Closes the file. No call may follow.
  absl::Status Close() { return file_->Close(); }

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  // Bytes written, and bytes known to be durable.
  uint64_t bytes() const { return bytes_; }
  uint64_t synced_bytes() const { return synced_bytes_; }

 private:
  SegmentWriter(std::string path, SegmentHeader header, std::unique_ptr<base::WritableFile> file);

  const std::string path_;
  const SegmentHeader header_;
  const std::unique_ptr<base::WritableFile> file_;
  std::string buffer_;
  Lsn next_lsn_;
  uint64_t bytes_ = kSegmentHeaderBytes;
  uint64_t synced_bytes_ = kSegmentHeaderBytes;
};

}  // namespace varve::wal
