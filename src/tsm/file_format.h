// The fixed parts of a TSM file: header, page directory, footer. Bytes: docs/format.md, "TSM file".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "model/types.h"

namespace varve::tsm {

inline constexpr std::string_view kTsmMagic = "VTSM";
inline constexpr uint16_t kTsmVersion = 1;
inline constexpr uint16_t kTsmFlagCold = 1;
inline constexpr size_t kTsmHeaderBytes = 16;
inline constexpr size_t kTsmFooterBytes = 88;
inline constexpr size_t kPageRefBytes = 16;

// A page begins with its checksum and flags; then, when compressed, the size of its body.
inline constexpr size_t kPageHeadBytes = 5;
inline constexpr uint8_t kPageZstd = 1;
// A page is closed behind this many bytes of entries.
inline constexpr size_t kPageBodyBytes = size_t{8} << 10;
// The body of a page of one very long series may be larger; this is where a reader calls it damage.
inline constexpr uint64_t kPageBodyBytesMax = uint64_t{1} << 31;

// Chunks of up to this many rows lie in the index page itself.
inline constexpr size_t kInlineRows = 8;
// Strings beyond this many bytes in a chunk keep it out of the page.
inline constexpr size_t kInlineTextBytes = 256;
// A chunk of up to this many bytes has one checksum, a larger one a checksum per block.
inline constexpr size_t kSingleChecksumBytes = 4096;

// Blocks and pages are checked with the low half of XXH3-64.
inline uint32_t ShortChecksum(std::string_view bytes) {
  return static_cast<uint32_t>(base::Checksum(bytes));
}

struct TsmHeader {
  bool cold = false;
};

struct TsmFooter {
  uint64_t directory_offset = 0;
  uint64_t pages = 0;
  uint64_t directory_checksum = 0;
  uint64_t chunks = 0;
  uint64_t values = 0;
  uint64_t series = 0;
  model::TimeRange range;
  model::SeriesId min_series = 0;
  model::SeriesId max_series = 0;
};

struct PageRef {
  uint64_t offset = 0;
  uint32_t bytes = 0;
  model::SeriesId first_series = 0;
};

void PutHeader(const TsmHeader& header, std::string& out);
void PutFooter(const TsmFooter& footer, std::string& out);
void PutPageRef(const PageRef& ref, std::string& out);

// Each takes the whole file's bytes. DATA_LOSS with the offset; FAILED_PRECONDITION for a newer
// version or an unknown flag.
absl::Status ReadHeader(std::string_view file, TsmHeader* header);
// Also checks the directory: checksum, order, and that each page lies between header and directory.
absl::Status ReadFooter(std::string_view file, TsmFooter* footer);

// The checksum in the footer of a file that ReadFooter() accepts.
inline uint64_t FooterChecksum(std::string_view file) {
  return base::LoadFixed<uint64_t>(file.data() + file.size() - 16);
}

inline PageRef LoadPageRef(const char* at) {
  return {base::LoadFixed<uint64_t>(at), base::LoadFixed<uint32_t>(at + 8),
          base::LoadFixed<uint32_t>(at + 12)};
}

}  // namespace varve::tsm
