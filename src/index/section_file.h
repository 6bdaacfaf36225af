// The container of both kinds of index segments: a header, a directory, checksummed sections.
//
// Bytes: docs/format.md, "Series segment".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/env.h"

namespace varve::index {

// Sections begin at multiples of this, as CRoaring's frozen bitmaps need.
inline constexpr size_t kSectionAlignment = 32;

struct SectionFormat {
  std::string_view magic;  // four bytes
  uint16_t version = 0;
  uint32_t sections = 0;
};

// Joins sections to the bytes of a file.
std::string JoinSections(const SectionFormat& format, const std::vector<std::string>& sections);

// A mapped file whose every byte has been checked against its checksum.
class SectionFile {
 public:
  // Opens a file of one of `formats`, which are versions of one kind: they share their magic.
  // DATA_LOSS: damage, with file and offset. FAILED_PRECONDITION: a newer version.
  static absl::StatusOr<SectionFile> Open(base::Env& env, const std::string& path,
                                          std::span<const SectionFormat> formats);
  static absl::StatusOr<SectionFile> Open(base::Env& env, const std::string& path,
                                          const SectionFormat& format) {
    return Open(env, path, std::span(&format, 1));
  }
  // The same from bytes in memory. They are copied when they are not aligned.
  static absl::StatusOr<SectionFile> FromBytes(std::string_view bytes, const std::string& name,
                                               std::span<const SectionFormat> formats);
  static absl::StatusOr<SectionFile> FromBytes(std::string_view bytes, const std::string& name,
                                               const SectionFormat& format) {
    return FromBytes(bytes, name, std::span(&format, 1));
  }

  uint16_t version() const { return version_; }
  // Aligned to kSectionAlignment; without its padding. Empty when the version has no such section.
  std::string_view section(size_t i) const {
    return i < sections_.size() ? sections_[i] : std::string_view();
  }
  uint64_t file_bytes() const { return file_bytes_; }
  const std::string& name() const { return name_; }

 private:
  static absl::StatusOr<SectionFile> Parse(std::string_view bytes, const std::string& name,
                                           std::span<const SectionFormat> formats);
  std::string name_;
  uint16_t version_ = 0;
  uint64_t file_bytes_ = 0;
  std::unique_ptr<base::MappedFile> map_;
  std::unique_ptr<char[]> copy_;
  std::vector<std::string_view> sections_;
};

}  // namespace varve::index
