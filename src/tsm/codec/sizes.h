// Sizes of what base/coding.h writes, for exact costs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/coding.h"

namespace varve::tsm::codec {

constexpr size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}
// Of a value held as its two's complement bits.
constexpr size_t SignedVarintBytes(uint64_t value) {
  return VarintBytes(base::ZigZag(static_cast<int64_t>(value)));
}

}  // namespace varve::tsm::codec
