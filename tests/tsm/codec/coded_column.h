// One way to encode and decode a column of any type, for tests that treat all types alike.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm::samples {

// An exact copy on the heap, so that a sanitizer sees a read behind the end of a block.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes) : size_(bytes.size()), bytes_(new char[size_]) {
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<char[]> bytes_;
};

inline std::string Encode(const std::vector<double>& values, EncodeOptions options) {
  std::string block;
  EncodeFloats(values, options, block);
  return block;
}
inline std::string Encode(const std::vector<int64_t>& values, EncodeOptions options) {
  std::string block;
  EncodeIntegers(values, options, block);
  return block;
}
inline std::string Encode(const std::vector<uint64_t>& values, EncodeOptions options) {
  std::string block;
  EncodeUnsigneds(values, options, block);
  return block;
}
inline std::string Encode(const std::vector<uint8_t>& values, EncodeOptions options) {
  std::string block;
  EncodeBooleans(values, options, block);
  return block;
}
inline std::string Encode(const std::vector<std::string>& values, EncodeOptions options) {
  std::string block;
  EncodeStrings(std::vector<std::string_view>(values.begin(), values.end()), options, block);
  return block;
}

inline absl::Status Decode(std::string_view block, std::vector<double>& values) {
  return DecodeFloats(block, values);
}
inline absl::Status Decode(std::string_view block, std::vector<int64_t>& values) {
  return DecodeIntegers(block, values);
}
inline absl::Status Decode(std::string_view block, std::vector<uint64_t>& values) {
  return DecodeUnsigneds(block, values);
}
inline absl::Status Decode(std::string_view block, std::vector<uint8_t>& values) {
  return DecodeBooleans(block, values);
}
inline absl::Status Decode(std::string_view block, std::vector<std::string>& values) {
  std::vector<std::string_view> views(values.size());
  std::string text;
  const absl::Status status = DecodeStrings(block, views, text);
  // Every byte of a decoded view is read here, under the eyes of the sanitizer.
  if (status.ok()) values.assign(views.begin(), views.end());
  return status;
}

template <typename T>
bool SameValues(const std::vector<T>& a, const std::vector<T>& b) {
  return a == b;
}
inline bool SameValues(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// A value as a line of text, and back.
inline std::string ToText(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%016llx %.17g",
                static_cast<unsigned long long>(std::bit_cast<uint64_t>(value)), value);
  return text;
}
inline std::string ToText(int64_t value) { return std::to_string(value); }
inline std::string ToText(uint64_t value) { return std::to_string(value); }
inline std::string ToText(uint8_t value) { return value != 0 ? "true" : "false"; }
inline std::string ToText(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    char hex[8];
    std::snprintf(hex, sizeof(hex), "\\x%02x", static_cast<unsigned char>(c));
    text += c >= ' ' && c <= '~' && c != '\\' && c != '"' ? std::string(1, c) : hex;
  }
  return text + "\"";
}

}  // namespace varve::tsm::samples
