// Integers as bytes: little-endian fixed width, LEB128 varints, zigzag; and a bounds-checked
// reader.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace varve::base {

static_assert(std::endian::native == std::endian::little, "file formats are written in host order");

template <typename T>
void PutFixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <typename T>
T LoadFixed(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

constexpr uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

// Appends 1 to 10 bytes, seven bits each, low bits first.
inline void PutVarint(std::string& out, uint64_t value) {
  char bytes[10];
  size_t n = 0;
  while (value >= 0x80) {
    bytes[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[n++] = static_cast<char>(value);
  out.append(bytes, n);
}
inline void PutSignedVarint(std::string& out, int64_t value) { PutVarint(out, ZigZag(value)); }
// Appends the length as a varint, then the bytes.
inline void PutString(std::string& out, std::string_view text) {
  PutVarint(out, text.size());
  out.append(text);
}

// Reads what the functions above wrote from bytes it does not trust.
//
// Each read returns false, and leaves its output unspecified, when the bytes end early or a varint
// is longer than ten bytes; the reader is then failed and stays so. Never reads outside its bytes.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : start_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  size_t offset() const { return static_cast<size_t>(at_ - start_); }

  template <typename T>
  bool GetFixed(T* value) {
    if (remaining() < sizeof(T)) return Fail();
    std::memcpy(value, at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }
  bool GetVarint(uint64_t* value) {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) return Fail();
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return Fail();
      result |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return Fail();
  }
  bool GetSignedVarint(int64_t* value) {
    uint64_t raw;
    if (!GetVarint(&raw)) return false;
    *value = UnZigZag(raw);
    return true;
  }
  template <typename T>
  bool GetVarintAs(T* value) {
    uint64_t raw;
    if (!GetVarint(&raw) || raw > static_cast<uint64_t>(static_cast<T>(~T{0}))) return Fail();
    *value = static_cast<T>(raw);
    return true;
  }
  // The view borrows the reader's bytes.
  bool GetBytes(size_t n, std::string_view* bytes) {
    if (remaining() < n) return Fail();
    *bytes = {at_, n};
    at_ += n;
    return true;
  }
  bool GetString(std::string_view* text) {
    uint64_t n;
    return GetVarint(&n) && (n <= remaining() || Fail()) && GetBytes(n, text);
  }

 private:
  bool Fail() {
    failed_ = true;
    at_ = end_;
    return false;
  }
  const char* start_;
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

}  // namespace varve::base
