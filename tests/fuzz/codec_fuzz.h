// What the fuzz targets of the block codecs share.
//
// The input is a count (two bytes) and bytes that are taken twice: as an encoded block, which must
// be refused or decoded without harm, and as values, which must come back from an encoding of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "tests/tsm/codec/coded_column.h"
#include "tsm/codec.h"

namespace varve::fuzz {

template <typename T>
std::vector<T> ValuesIn(std::string_view bytes) {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, std::string>) {
    // A length of a few bits in front of each.
    while (!bytes.empty() && values.size() < tsm::kMaxBlockValues) {
      const size_t n = std::min<size_t>(static_cast<uint8_t>(bytes[0]) % 32, bytes.size() - 1);
      values.emplace_back(bytes.substr(1, n));
      bytes.remove_prefix(1 + n);
    }
  } else {
    values.resize(std::min(bytes.size() / sizeof(T), tsm::kMaxBlockValues));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    if constexpr (std::is_same_v<T, uint8_t>) {
      for (uint8_t& value : values) value &= 1;
    }
  }
  return values;
}

template <typename T>
void FuzzCodec(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const size_t count = 1 + (data[0] | data[1] << 8) % tsm::kMaxBlockValues;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  tsm::CodecName(bytes);
  for (const size_t n : {count, size_t{1}, size_t{5}, tsm::kMaxBlockValues}) {
    std::vector<T> decoded(n);
    const absl::Status status = tsm::samples::Decode(bytes, decoded);
    CHECK(status.ok() || absl::IsDataLoss(status)) << status;
  }

  const std::vector<T> values = ValuesIn<T>(bytes);
  if (values.empty()) return;
  for (const bool cold : {false, true}) {
    const tsm::samples::ExactBytes block(tsm::samples::Encode(values, {.cold = cold}));
    std::vector<T> decoded(values.size());
    const absl::Status status = tsm::samples::Decode(block.view(), decoded);
    CHECK(status.ok()) << status;
    CHECK(tsm::samples::SameValues(values, decoded)) << tsm::CodecName(block.view());
  }
}

}  // namespace varve::fuzz
