#include "http/msgpack.h"

#include <bit>
#include <limits>

namespace varve::http::msgpack {
namespace {

template <typename T>
void AppendBigEndian(std::string& out, uint8_t lead, T value) {
  char bytes[1 + sizeof(T)];
  bytes[0] = static_cast<char>(lead);
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[sizeof(T) - i] = static_cast<char>(value >> (8 * i));
  }
  out.append(bytes, sizeof(bytes));
}

}  // namespace

void AppendNil(std::string& out) { out.push_back('\xc0'); }
void AppendBool(std::string& out, bool value) { out.push_back(value ? '\xc3' : '\xc2'); }

void AppendInteger(std::string& out, int64_t value) {
  if (value >= -32 && value <= 127) {
    out.push_back(static_cast<char>(value));
  } else if (value >= std::numeric_limits<int8_t>::min() && value < 0) {
    AppendBigEndian(out, 0xd0, static_cast<uint8_t>(value));
  } else if (value >= std::numeric_limits<int16_t>::min() &&
             value <= std::numeric_limits<int16_t>::max()) {
    AppendBigEndian(out, 0xd1, static_cast<uint16_t>(value));
  } else if (value >= std::numeric_limits<int32_t>::min() &&
             value <= std::numeric_limits<int32_t>::max()) {
    AppendBigEndian(out, 0xd2, static_cast<uint32_t>(value));
  } else {
    AppendBigEndian(out, 0xd3, static_cast<uint64_t>(value));
  }
}

void AppendUnsigned(std::string& out, uint64_t value) {
  if (value <= 127) {
    out.push_back(static_cast<char>(value));
  } else if (value <= std::numeric_limits<uint8_t>::max()) {
    AppendBigEndian(out, 0xcc, static_cast<uint8_t>(value));
  } else if (value <= std::numeric_limits<uint16_t>::max()) {
    AppendBigEndian(out, 0xcd, static_cast<uint16_t>(value));
  } else if (value <= std::numeric_limits<uint32_t>::max()) {
    AppendBigEndian(out, 0xce, static_cast<uint32_t>(value));
  } else {
    AppendBigEndian(out, 0xcf, value);
  }
}

void AppendFloat(std::string& out, double value) {
  AppendBigEndian(out, 0xcb, std::bit_cast<uint64_t>(value));
}

void AppendString(std::string& out, std::string_view text) {
  if (text.size() < 32) {
    out.push_back(static_cast<char>(0xa0 | text.size()));
  } else if (text.size() <= std::numeric_limits<uint8_t>::max()) {
    AppendBigEndian(out, 0xd9, static_cast<uint8_t>(text.size()));
  } else if (text.size() <= std::numeric_limits<uint16_t>::max()) {
    AppendBigEndian(out, 0xda, static_cast<uint16_t>(text.size()));
  } else {
    AppendBigEndian(out, 0xdb, static_cast<uint32_t>(text.size()));
  }
  out.append(text);
}

void AppendArray(std::string& out, size_t size) {
  if (size < 16) {
    out.push_back(static_cast<char>(0x90 | size));
  } else if (size <= std::numeric_limits<uint16_t>::max()) {
    AppendBigEndian(out, 0xdc, static_cast<uint16_t>(size));
  } else {
    AppendBigEndian(out, 0xdd, static_cast<uint32_t>(size));
  }
}

void AppendMap(std::string& out, size_t size) {
  if (size < 16) {
    out.push_back(static_cast<char>(0x80 | size));
  } else if (size <= std::numeric_limits<uint16_t>::max()) {
    AppendBigEndian(out, 0xde, static_cast<uint16_t>(size));
  } else {
    AppendBigEndian(out, 0xdf, static_cast<uint32_t>(size));
  }
}

void AppendTime(std::string& out, int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t seconds = ns / kSecond;
  int64_t rest = ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  out.push_back('\xc7');
  out.push_back(12);
  AppendBigEndian(out, 5, static_cast<uint64_t>(seconds));
  char bytes[4];
  for (size_t i = 0; i < 4; ++i) bytes[3 - i] = static_cast<char>(rest >> (8 * i));
  out.append(bytes, sizeof(bytes));
}

}  // namespace varve::http::msgpack
