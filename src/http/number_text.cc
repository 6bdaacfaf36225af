#include "http/number_text.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/strings.h"

namespace varve::http {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400;

char* WriteTwo(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
  return out + 2;
}

int64_t FloorDiv(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

// Most measured values are decimals of a few places. When value * 10^k is a whole number n below
// 1e15 and n / 10^k gives the value back, n's digits are the shortest: two decimals of at most 15
// digits never share a double. Returns null when none of the places fits.
char* WriteShortDecimal(char* out, double value) {
  constexpr double kPowers[] = {1, 10, 100, 1000, 10000};
  const double magnitude = std::fabs(value);
  if (!(magnitude < 1e10)) return nullptr;
  for (unsigned places = 0; places < 5; ++places) {
    const double scaled = magnitude * kPowers[places];
    const auto digits = static_cast<uint64_t>(scaled + 0.5);
    if (static_cast<double>(digits) / kPowers[places] != magnitude) continue;
    if (std::signbit(value)) *out++ = '-';
    if (places == 0) return WriteUnsigned(out, digits);
    uint64_t unit = 1;
    for (unsigned i = 0; i < places; ++i) unit *= 10;
    out = WriteUnsigned(out, digits / unit);
    *out++ = '.';
    uint64_t fraction = digits % unit;
    for (unsigned i = places; i-- > 0;) {
      out[i] = static_cast<char>('0' + fraction % 10);
      fraction /= 10;
    }
    return out + places;
  }
  return nullptr;
}

// Go pads the shortest digits of a large number with zeros, where to_chars prints its exact value.
char* WriteLarge(char* out, double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  const char* at = text;
  if (*at == '-') *out++ = *at++;
  int written = 0;
  for (; at != end.ptr && *at != 'e'; ++at) {
    if (*at == '.') continue;
    *out++ = *at;
    ++written;
  }
  int exponent = 0;
  std::from_chars(at + 2, end.ptr, exponent);
  for (; written <= exponent; ++written) *out++ = '0';
  return out;
}

}  // namespace

constinit const std::array<SmallNumber, kSmallNumbers> kSmallNumberTexts = [] {
  std::array<SmallNumber, kSmallNumbers> texts{};
  for (unsigned value = 0; value < kSmallNumbers; ++value) {
    SmallNumber& text = texts[value];
    for (unsigned unit = value < 10 ? 1 : value < 100 ? 10 : 100; unit > 0; unit /= 10) {
      text.digits[text.size++] = static_cast<char>('0' + value / unit % 10);
    }
  }
  return texts;
}();

char* WriteLargeUnsigned(char* out, uint64_t value) {
  return std::to_chars(out, out + kNumberTextMax, value).ptr;
}

char* WriteNegative(char* out, int64_t value) {
  return std::to_chars(out, out + kNumberTextMax, value).ptr;
}

char* WriteFloat(char* out, double value) {
  if (char* end = WriteShortDecimal(out, value)) return end;
  const double magnitude = std::fabs(value);
  if (magnitude >= 1e-6 && magnitude < 1e15) {
    return std::to_chars(out, out + kNumberTextMax, value, std::chars_format::fixed).ptr;
  }
  if (magnitude >= 1e15 && magnitude < 1e21) {
    // Below 2^53 there may be digits behind the point.
    if (magnitude < 9007199254740992.0 && magnitude != std::floor(magnitude)) {
      return std::to_chars(out, out + kNumberTextMax, value, std::chars_format::fixed).ptr;
    }
    return WriteLarge(out, value);
  }
  char* end = std::to_chars(out, out + kNumberTextMax, value, std::chars_format::scientific).ptr;
  // e-07 is e-7 in Go's JSON.
  if (end - out > 4 && end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
    end[-2] = end[-1];
    --end;
  }
  return end;
}

void TimeWriter::SetLocation(std::string_view location) {
  if (location == location_) return;
  location_ = location;
  day_ = INT64_MIN;
  utc_ =
      location.empty() || location == "UTC" || !absl::LoadTimeZone(base::ToAbsl(location), &zone_);
}

char* TimeWriter::Write(char* out, int64_t ns) {
  const int64_t seconds = FloorDiv(ns, kSecond);
  auto fraction = static_cast<uint32_t>(ns - seconds * kSecond);
  int offset = 0;
  if (!utc_) offset = zone_.At(absl::FromUnixSeconds(seconds)).offset;
  const int64_t local = seconds + offset;
  const int64_t day = FloorDiv(local, kDay);
  if (day != day_) {
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    const int year = static_cast<int>(date.year());
    char* at = WriteTwo(date_, static_cast<unsigned>(year / 100));
    at = WriteTwo(at, static_cast<unsigned>(year % 100));
    *at++ = '-';
    at = WriteTwo(at, static_cast<unsigned>(date.month()));
    *at++ = '-';
    at = WriteTwo(at, static_cast<unsigned>(date.day()));
    *at++ = 'T';
    day_ = day;
  }
  std::memcpy(out, date_, sizeof(date_));
  out += sizeof(date_);
  const auto of_day = static_cast<unsigned>(local - day * kDay);
  out = WriteTwo(out, of_day / 3600);
  *out++ = ':';
  out = WriteTwo(out, of_day / 60 % 60);
  *out++ = ':';
  out = WriteTwo(out, of_day % 60);
  if (fraction != 0) {
    *out++ = '.';
    for (uint32_t unit = kSecond / 10; fraction != 0; unit /= 10) {
      *out++ = static_cast<char>('0' + fraction / unit);
      fraction %= unit;
    }
  }
  // Go prints 'Z' whenever the offset is zero, in any zone.
  const int minutes = offset / 60;
  if (minutes == 0) {
    *out++ = 'Z';
    return out;
  }
  *out++ = minutes < 0 ? '-' : '+';
  const auto distance = static_cast<unsigned>(minutes < 0 ? -minutes : minutes);
  out = WriteTwo(out, distance / 60);
  *out++ = ':';
  return WriteTwo(out, distance % 60);
}

}  // namespace varve::http
