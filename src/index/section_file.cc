#include "index/section_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::index {
namespace {

constexpr size_t kHeaderBytes = 24;
constexpr size_t kEntryBytes = 24;
constexpr size_t kChecksumBytes = 8;

size_t AlignUp(size_t n) {
  return (n + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace

std::string JoinSections(const SectionFormat& format, const std::vector<std::string>& sections) {
  CHECK_EQ(sections.size(), format.sections);
  const size_t directory_end = kHeaderBytes + kEntryBytes * sections.size();
  size_t end = AlignUp(directory_end + kChecksumBytes);
  std::vector<size_t> offsets;
  for (const std::string& section : sections) {
    offsets.push_back(end);
    end = AlignUp(end + section.size());
  }

  std::string out;
  out.reserve(end);
  out.append(end, '\0');
  for (size_t i = 0; i < sections.size(); ++i) {
    if (!sections[i].empty()) {
      std::memcpy(out.data() + offsets[i], sections[i].data(), sections[i].size());
    }
  }
  std::string head(format.magic);
  base::PutFixed<uint16_t>(head, format.version);
  base::PutFixed<uint16_t>(head, 0);
  base::PutFixed<uint64_t>(head, end);
  base::PutFixed<uint32_t>(head, format.sections);
  base::PutFixed<uint32_t>(head, 0);
  for (size_t i = 0; i < sections.size(); ++i) {
    const size_t padded = AlignUp(sections[i].size());
    base::PutFixed<uint64_t>(head, offsets[i]);
    base::PutFixed<uint64_t>(head, sections[i].size());
    base::PutFixed<uint64_t>(head,
                             base::Checksum(std::string_view(out).substr(offsets[i], padded)));
  }
  base::PutFixed<uint64_t>(head, base::Checksum(head));
  std::memcpy(out.data(), head.data(), head.size());
  return out;
}

absl::StatusOr<SectionFile> SectionFile::Open(base::Env& env, const std::string& path,
                                              std::span<const SectionFormat> formats) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::MappedFile> map, env.MapFile(path));
  const std::string_view bytes = map->bytes();
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kSectionAlignment != 0) {
    return FromBytes(bytes, path, formats);
  }
  ASSIGN_OR_RETURN(SectionFile file, Parse(bytes, path, formats));
  file.map_ = std::move(map);
  return file;
}

absl::StatusOr<SectionFile> SectionFile::FromBytes(std::string_view bytes, const std::string& name,
                                                   std::span<const SectionFormat> formats) {
  auto copy = std::make_unique<char[]>(bytes.size() + kSectionAlignment);
  const size_t over = reinterpret_cast<uintptr_t>(copy.get()) % kSectionAlignment;
  char* start = copy.get() + (over == 0 ? 0 : kSectionAlignment - over);
  if (!bytes.empty()) std::memcpy(start, bytes.data(), bytes.size());
  ASSIGN_OR_RETURN(SectionFile file, Parse({start, bytes.size()}, name, formats));
  file.copy_ = std::move(copy);
  return file;
}

absl::StatusOr<SectionFile> SectionFile::Parse(std::string_view bytes, const std::string& name,
                                               std::span<const SectionFormat> formats) {
  const auto damage = [&](std::string_view what, uint64_t at) {
    return base::DataLoss(what, " [file=", name, " offset=", at, "]");
  };
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return damage("index segment is too short", bytes.size());
  }
  if (bytes.substr(0, 4) != formats[0].magic) return damage("index segment has a wrong magic", 0);
  // The checksum comes first: only a whole header can claim to be of a newer version.
  const auto sections = base::LoadFixed<uint32_t>(bytes.data() + 16);
  const size_t directory_end = kHeaderBytes + kEntryBytes * size_t{sections};
  if (bytes.size() - kChecksumBytes < directory_end ||
      base::Checksum(bytes.substr(0, directory_end)) !=
          base::LoadFixed<uint64_t>(bytes.data() + directory_end)) {
    return damage("index segment header does not match its checksum", 0);
  }
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  const auto format = std::find_if(formats.begin(), formats.end(),
                                   [&](const auto& known) { return known.version == version; });
  if (format == formats.end() || base::LoadFixed<uint16_t>(bytes.data() + 6) != 0) {
    return base::FailedPrecondition("index segment is of a newer version [file=", name, "]");
  }
  const size_t first_section = AlignUp(directory_end + kChecksumBytes);
  if (bytes.size() < first_section) return damage("index segment is too short", bytes.size());
  if (base::LoadFixed<uint64_t>(bytes.data() + 8) != bytes.size() || sections != format->sections ||
      base::LoadFixed<uint32_t>(bytes.data() + 20) != 0) {
    return damage("index segment header contradicts the file", 8);
  }
  if (!AllZero(bytes.substr(directory_end + kChecksumBytes,
                            first_section - directory_end - kChecksumBytes))) {
    return damage("index segment padding is not zero", directory_end + kChecksumBytes);
  }

  SectionFile file;
  file.name_ = name;
  file.version_ = version;
  file.file_bytes_ = bytes.size();
  size_t expected = first_section;
  for (size_t i = 0; i < sections; ++i) {
    const char* entry = bytes.data() + kHeaderBytes + kEntryBytes * i;
    const auto offset = base::LoadFixed<uint64_t>(entry);
    const auto length = base::LoadFixed<uint64_t>(entry + 8);
    if (offset != expected || length > bytes.size() - offset ||
        AlignUp(length) > bytes.size() - offset) {
      return damage("index segment section lies outside the file", kHeaderBytes + kEntryBytes * i);
    }
    const std::string_view padded = bytes.substr(offset, AlignUp(length));
    if (base::Checksum(padded) != base::LoadFixed<uint64_t>(entry + 16)) {
      return damage("index segment section does not match its checksum", offset);
    }
    file.sections_.push_back(padded.substr(0, length));
    expected = offset + padded.size();
  }
  if (expected != bytes.size()) return damage("index segment has bytes behind its end", expected);
  return file;
}

}  // namespace varve::index
