// The bytes of a rollup: header, footer and series entries. docs/format.md, "Rollup".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "model/types.h"
#include "tsm/rollup.h"

namespace varve::tsm {

inline constexpr std::string_view kRollupMagic = "VRUP";
inline constexpr uint16_t kRollupVersion = 1;
inline constexpr size_t kRollupHeaderBytes = 32;
inline constexpr size_t kRollupFooterBytes = 48;
// A page is closed behind this many bytes of entries.
inline constexpr size_t kRollupPageBytes = size_t{16} << 10;
// A list of words goes in streams of up to this many.
inline constexpr size_t kRollupStreamWords = 4096;
// Hours a series may have in one file: more than a century.
inline constexpr uint64_t kRollupHoursMax = uint64_t{1} << 20;

// Names the TSM file a rollup was made of.
struct RollupSource {
  uint64_t bytes = 0;
  uint64_t footer_checksum = 0;
  friend bool operator==(const RollupSource&, const RollupSource&) = default;
};

struct RollupFooter {
  uint64_t directory_offset = 0;
  uint64_t pages = 0;
  uint64_t series = 0;
  uint64_t directory_checksum = 0;
};

void PutRollupHeader(const RollupSource& source, std::string& out);
void PutRollupFooter(const RollupFooter& footer, std::string& out);
// Each takes the whole file's bytes. Errors as those of a TSM file.
absl::Status ReadRollupHeader(std::string_view file, RollupSource* source);
absl::Status ReadRollupFooter(std::string_view file, RollupFooter* footer);

// Floor of the division by the hour.
inline int64_t HourOf(int64_t time_ns) {
  const int64_t hour = time_ns / kRollupSpanNs;
  return time_ns % kRollupSpanNs < 0 ? hour - 1 : hour;
}

// Appends what a page has of one series, without its id.
//   hours    first instants, ascending, 1 to kRollupHoursMax
//   columns  ascending by field, each with a value in some hour
void PutRollupEntry(std::span<const int64_t> hours, std::span<const RollupColumn> columns,
                    std::string& out);
// What is wanted of an entry.
struct RollupSelection {
  std::vector<model::FieldId> fields;  // ascending; empty: all
  model::TimeRange range;              // hours that have nothing of it are left out
};
// Reads an entry; of columns whose field is not selected nothing. False for malformed bytes.
// `columns` are reused; `count` receives how many were read.
bool GetRollupEntry(std::string_view entry, const RollupSelection& selection,
                    std::vector<int64_t>* hours, std::vector<RollupColumn>* columns, size_t* count);

}  // namespace varve::tsm
