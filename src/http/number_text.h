// Numbers and times as Go's encoding/json and time packages print them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace varve::http {

// Longest text that any of the Write functions below makes.
inline constexpr size_t kNumberTextMax = 40;

// Each writes at `out`, which has kNumberTextMax bytes of room, and returns the end.

// The shortest digits that read back as `value`; exponent form below 1e-6 and from 1e21 on, as
// strconv.AppendFloat in encoding/json. `value` is finite.
char* WriteFloat(char* out, double value);
char* WriteInteger(char* out, int64_t value);
char* WriteUnsigned(char* out, uint64_t value);

// Writes times as RFC 3339 with as many decimals as needed (Go's RFC3339Nano). Keeps the last
// day's date, so that rows in order of time cost a few digits each. One thread at a time.
class TimeWriter {
 public:
  // Times are printed with the offset of the IANA zone `location`; "" or an unknown name: UTC.
  void SetLocation(std::string_view location);
  char* Write(char* out, int64_t ns);

 private:
  std::string location_;
  bool utc_ = true;
  absl::TimeZone zone_;
  int64_t day_ = INT64_MIN;
  char date_[11];  // "2006-01-02T" of day_
};

}  // namespace varve::http
