// Numbers and times as Go's encoding/json and time packages print them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
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
inline char* WriteUnsigned(char* out, uint64_t value);
inline char* WriteInteger(char* out, int64_t value);

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

// --- How small numbers are written: most are, in percent or counts.

// The digits of a small number, and how many there are.
struct SmallNumber {
  char digits[3];
  uint8_t size;
};
inline constexpr uint64_t kSmallNumbers = 1000;
extern const std::array<SmallNumber, kSmallNumbers> kSmallNumberTexts;
char* WriteLargeUnsigned(char* out, uint64_t value);
char* WriteNegative(char* out, int64_t value);

inline char* WriteUnsigned(char* out, uint64_t value) {
  if (value >= kSmallNumbers) return WriteLargeUnsigned(out, value);
  const SmallNumber& text = kSmallNumberTexts[value];
  std::memcpy(out, text.digits, sizeof(text.digits));
  return out + text.size;
}
inline char* WriteInteger(char* out, int64_t value) {
  return value >= 0 ? WriteUnsigned(out, static_cast<uint64_t>(value)) : WriteNegative(out, value);
}

}  // namespace varve::http
