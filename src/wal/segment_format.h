// The bytes of a WAL segment: docs/format.md, "WAL segment".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wal/log.h"

namespace varve::wal {

inline constexpr std::string_view kSegmentMagic = "VWAL";
inline constexpr uint16_t kSegmentVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kRecordHeaderBytes = 25;
// The type of the mark behind the last record of a segment that was closed in good order.
inline constexpr uint8_t kEndMark = 0;

struct SegmentHeader {
  Lsn first_lsn = 0;     // of the first record this segment holds or will hold
  Lsn previous_lsn = 0;  // of the last record in the segments before; 0: there was none
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
// DATA_LOSS, FAILED_PRECONDITION (a newer version); the message lacks the file's name.
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// What precedes a record's payload.
struct RecordHeader {
  uint64_t checksum = 0;  // XXH3-64 of all behind it, the payload included
  Lsn lsn = 0;
  uint32_t payload_bytes = 0;
  uint32_t synced_bytes = 0;  // of this segment, when the record was written
  uint8_t type = 0;
};

// Appends a whole record to `out`.
void EncodeRecord(Lsn lsn, uint8_t type, uint64_t synced_bytes, std::string_view payload,
                  std::string& out);
// The record at `offset` of a segment; nothing where the bytes there are no intact record.
std::optional<RecordHeader> DecodeRecord(std::string_view segment, size_t offset);
// Like DecodeRecord, but does not look at the checksum.
std::optional<RecordHeader> PeekRecord(std::string_view segment, size_t offset);

// "<first LSN, 16 hex digits>.wal", and back.
std::string SegmentFileName(Lsn first_lsn);
std::optional<Lsn> ParseSegmentFileName(std::string_view name);

}  // namespace varve::wal
