#include "wal/segment_format.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::wal {

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out(kSegmentMagic);
  base::PutFixed<uint16_t>(out, kSegmentVersion);
  base::PutFixed<uint16_t>(out, 0);
  base::PutFixed<uint64_t>(out, header.first_lsn);
  base::PutFixed<uint64_t>(out, header.previous_lsn);
  base::PutFixed<uint64_t>(out, base::Checksum(out));
  return out;
}

absl::StatusOr<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return base::DataLoss("segment header is cut short");
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  if (!bytes.starts_with(kSegmentMagic)) return base::DataLoss("no WAL segment: wrong magic");
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(bytes.data() + 6);
  const auto checksum = base::LoadFixed<uint64_t>(bytes.data() + kSegmentHeaderBytes - 8);
  if (checksum != base::Checksum(bytes.substr(0, kSegmentHeaderBytes - 8))) {
    return base::DataLoss("wrong checksum of the segment header");
  }
  if (version != kSegmentVersion || flags != 0) {
    return base::FailedPrecondition("WAL segment of an unknown format: version=", version,
                                    " flags=", flags);
  }
  return SegmentHeader{base::LoadFixed<uint64_t>(bytes.data() + 8),
                       base::LoadFixed<uint64_t>(bytes.data() + 16)};
}

void EncodeRecord(Lsn lsn, uint8_t type, uint64_t synced_bytes, std::string_view payload,
                  std::string& out) {
  const size_t start = out.size();
  base::PutFixed<uint64_t>(out, 0);
  base::PutFixed<uint64_t>(out, lsn);
  base::PutFixed<uint32_t>(out, static_cast<uint32_t>(payload.size()));
  // A lower bound, so that it may stop short in a segment of more than 4 GiB.
  base::PutFixed<uint32_t>(out, static_cast<uint32_t>(std::min<uint64_t>(
                                    synced_bytes, std::numeric_limits<uint32_t>::max())));
  base::PutFixed<uint8_t>(out, type);
  out.append(payload);
  const uint64_t checksum = base::Checksum(std::string_view(out).substr(start + 8));
  std::memcpy(out.data() + start, &checksum, sizeof(checksum));
}

std::optional<RecordHeader> PeekRecord(std::string_view segment, size_t offset) {
  if (segment.size() - offset < kRecordHeaderBytes) return std::nullopt;
  const char* at = segment.data() + offset;
  RecordHeader header;
  header.checksum = base::LoadFixed<uint64_t>(at);
  header.lsn = base::LoadFixed<uint64_t>(at + 8);
  header.payload_bytes = base::LoadFixed<uint32_t>(at + 16);
  header.synced_bytes = base::LoadFixed<uint32_t>(at + 20);
  header.type = base::LoadFixed<uint8_t>(at + 24);
  if (header.payload_bytes > segment.size() - offset - kRecordHeaderBytes) return std::nullopt;
  return header;
}

std::optional<RecordHeader> DecodeRecord(std::string_view segment, size_t offset) {
  const std::optional<RecordHeader> header = PeekRecord(segment, offset);
  if (!header) return std::nullopt;
  const size_t bytes = kRecordHeaderBytes - 8 + header->payload_bytes;
  if (header->checksum != base::Checksum(segment.substr(offset + 8, bytes))) return std::nullopt;
  return header;
}

std::string SegmentFileName(Lsn first_lsn) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  for (int shift = 60; shift >= 0; shift -= 4) name.push_back(kDigits[(first_lsn >> shift) & 15]);
  return name + ".wal";
}

std::optional<Lsn> ParseSegmentFileName(std::string_view name) {
  if (name.size() != 20 || !name.ends_with(".wal")) return std::nullopt;
  Lsn lsn;
  const auto result = std::from_chars(name.data(), name.data() + 16, lsn, 16);
  if (result.ec != std::errc() || result.ptr != name.data() + 16) return std::nullopt;
  if (SegmentFileName(lsn) != name) return std::nullopt;
  return lsn;
}

}  // namespace varve::wal
