// Reads the records of one WAL segment in the order they were written.
//
// Reports damage and leaves the verdict to its caller: a bad tail of the newest segment may be the
// work of a power cut, which AfterDamage() tells. Bytes: docs/format.md, "WAL segment".
// Thread safety: one thread at a time.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "wal/segment_format.h"

namespace varve::wal {

// Reads the header of the segment at `path` alone. Errors: as SegmentReader::Open().
absl::StatusOr<SegmentHeader> ReadSegmentHeader(base::Env& env, const std::string& path);

class SegmentReader {
 public:
  // Reads the segment at `path` and checks its header.
  // NOT_FOUND: no such file. FAILED_PRECONDITION: written by a newer format version.
  // DATA_LOSS: wrong magic, checksum or name.
  static absl::StatusOr<SegmentReader> Open(base::Env& env, const std::string& path);

  const SegmentHeader& header() const { return header_; }
  uint64_t size() const { return bytes_.size(); }

  // Returns the next record, which borrows this reader, or nothing at the end of the segment.
  // DATA_LOSS: no intact record where one must be; the message gives file and byte offset, and
  // every later call returns the same error.
  absl::StatusOr<std::optional<Record>> Next();

  // The LSN of the last record Next() returned; header().first_lsn - 1 when there was none.
  Lsn last_lsn() const { return next_lsn_ - 1; }
  // Whether the segment was closed in good order; known when Next() has returned nothing.
  bool has_end_mark() const { return has_end_mark_; }
  // Bytes from the file's start to the end of the last good record.
  uint64_t intact_bytes() const { return at_; }

  // What lies behind the place where Next() found damage.
  enum class Tail : uint8_t {
    // Nothing that proves the lost bytes were ever durable: what a power cut leaves of a write
    // that was not synced, in whatever order the disk took its pages.
    kTorn,
    // An intact record that was written after the lost bytes had been synced.
    kDurable,
  };
  Tail AfterDamage() const;

 private:
  SegmentReader(std::string path, std::string bytes, SegmentHeader header);

  std::string path_;
  std::string bytes_;
  SegmentHeader header_;
  Lsn next_lsn_;
  size_t at_ = kSegmentHeaderBytes;
  bool ended_ = false;
  bool has_end_mark_ = false;
};

}  // namespace varve::wal
