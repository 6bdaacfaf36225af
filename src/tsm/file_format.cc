#include "tsm/file_format.h"

#include "base/check.h"
#include "base/status.h"

namespace varve::tsm {

void PutHeader(const TsmHeader& header, std::string& out) {
  const size_t start = out.size();
  out.append(kTsmMagic);
  base::PutFixed<uint16_t>(out, kTsmVersion);
  base::PutFixed<uint16_t>(out, header.cold ? kTsmFlagCold : 0);
  base::PutFixed(out, base::Checksum(std::string_view(out).substr(start)));
}

absl::Status ReadHeader(std::string_view file, TsmHeader* header) {
  if (file.size() < kTsmHeaderBytes) {
    return base::DataLoss("tsm file too short: bytes=", file.size());
  }
  if (file.substr(0, kTsmMagic.size()) != kTsmMagic) {
    return base::DataLoss("wrong tsm magic: offset=0");
  }
  if (base::LoadFixed<uint64_t>(file.data() + 8) != base::Checksum(file.substr(0, 8))) {
    return base::DataLoss("wrong tsm header checksum: offset=8");
  }
  const auto version = base::LoadFixed<uint16_t>(file.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(file.data() + 6);
  if (version > kTsmVersion) {
    return base::FailedPrecondition("tsm file of a newer format: version=", version);
  }
  if (version != kTsmVersion) return base::DataLoss("tsm version 0: offset=4");
  if ((flags & ~kTsmFlagCold) != 0) {
    return base::FailedPrecondition("unknown tsm flags: flags=", flags);
  }
  header->cold = (flags & kTsmFlagCold) != 0;
  return absl::OkStatus();
}

void PutFooter(const TsmFooter& footer, std::string& out) {
  const size_t start = out.size();
  base::PutFixed(out, footer.directory_offset);
  base::PutFixed(out, footer.pages);
  base::PutFixed(out, footer.directory_checksum);
  base::PutFixed(out, footer.chunks);
  base::PutFixed(out, footer.values);
  base::PutFixed(out, footer.series);
  base::PutFixed(out, footer.range.min_ns);
  base::PutFixed(out, footer.range.max_ns);
  base::PutFixed(out, footer.min_series);
  base::PutFixed(out, footer.max_series);
  base::PutFixed(out, base::Checksum(std::string_view(out).substr(start)));
  base::PutFixed<uint16_t>(out, kTsmVersion);
  base::PutFixed<uint16_t>(out, 0);
  out.append(kTsmMagic);
}

namespace {

absl::Status CheckDirectory(std::string_view file, const TsmFooter& footer) {
  const std::string_view directory =
      file.substr(footer.directory_offset, footer.pages * kPageRefBytes);
  if (base::Checksum(directory) != footer.directory_checksum) {
    return base::DataLoss("wrong tsm directory checksum: offset=", footer.directory_offset);
  }
  uint64_t end = kTsmHeaderBytes;
  uint64_t next_series = footer.min_series;
  for (uint64_t i = 0; i < footer.pages; ++i) {
    const PageRef ref = LoadPageRef(directory.data() + i * kPageRefBytes);
    if (ref.offset < end || ref.offset > footer.directory_offset ||
        ref.bytes > footer.directory_offset - ref.offset || ref.first_series < next_series ||
        ref.first_series > footer.max_series) {
      return base::DataLoss("tsm directory entry out of order: offset=",
                            footer.directory_offset + i * kPageRefBytes);
    }
    end = ref.offset + ref.bytes;
    next_series = uint64_t{ref.first_series} + 1;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadFooter(std::string_view file, TsmFooter* footer) {
  if (file.size() < kTsmHeaderBytes + kTsmFooterBytes) {
    return base::DataLoss("tsm file too short: bytes=", file.size());
  }
  const uint64_t at = file.size() - kTsmFooterBytes;
  base::ByteReader in(file.substr(at));
  uint64_t checksum = 0;
  uint16_t version = 0;
  uint16_t flags = 0;
  std::string_view magic;
  const bool read = in.GetFixed(&footer->directory_offset) && in.GetFixed(&footer->pages) &&
                    in.GetFixed(&footer->directory_checksum) && in.GetFixed(&footer->chunks) &&
                    in.GetFixed(&footer->values) && in.GetFixed(&footer->series) &&
                    in.GetFixed(&footer->range.min_ns) && in.GetFixed(&footer->range.max_ns) &&
                    in.GetFixed(&footer->min_series) && in.GetFixed(&footer->max_series) &&
                    in.GetFixed(&checksum) && in.GetFixed(&version) && in.GetFixed(&flags) &&
                    in.GetBytes(kTsmMagic.size(), &magic);
  CHECK(read && in.remaining() == 0) << "footer size";
  if (magic != kTsmMagic || version != kTsmVersion || flags != 0) {
    return base::DataLoss("wrong tsm magic at the end: offset=", file.size() - 8);
  }
  constexpr size_t kChecked = kTsmFooterBytes - 16;
  if (checksum != base::Checksum(file.substr(at, kChecked))) {
    return base::DataLoss("wrong tsm footer checksum: offset=", at + kChecked);
  }
  if (footer->directory_offset < kTsmHeaderBytes || footer->directory_offset > at ||
      footer->pages == 0 || footer->pages != (at - footer->directory_offset) / kPageRefBytes ||
      (at - footer->directory_offset) % kPageRefBytes != 0) {
    return base::DataLoss("wrong tsm directory place: offset=", at);
  }
  return CheckDirectory(file, *footer);
}

void PutPageRef(const PageRef& ref, std::string& out) {
  base::PutFixed(out, ref.offset);
  base::PutFixed(out, ref.bytes);
  base::PutFixed(out, ref.first_series);
}

}  // namespace varve::tsm
