// Reads bytes as the entry of a series in a rollup; what is accepted is written and read again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "tsm/rollup_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace varve;
  std::vector<int64_t> hours;
  std::vector<tsm::RollupColumn> columns;
  size_t count;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  // A few bytes may stand for a million hours: right, but slow to try over and over.
  if (size >= 3 && static_cast<uint8_t>(input[0]) > 127 && static_cast<uint8_t>(input[1]) > 127) {
    return 0;
  }
  if (!tsm::GetRollupEntry(input, {}, &hours, &columns, &count)) return 0;
  std::string again;
  tsm::PutRollupEntry(hours, std::span(columns).first(count), again);
  std::vector<int64_t> hours_again;
  std::vector<tsm::RollupColumn> columns_again;
  size_t count_again;
  CHECK(tsm::GetRollupEntry(again, {}, &hours_again, &columns_again, &count_again)) << "written";
  CHECK_EQ(count, count_again) << "columns";
  CHECK(hours == hours_again) << "hours";
  return 0;
}
