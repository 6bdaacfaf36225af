// The bit patterns of doubles as words.
#pragma once

#include <bit>
#include <cstdint>

namespace varve::tsm::codec {

// Orders bit patterns as the numbers are ordered, so that near values have near words: positive
// numbers keep their bits, negative ones count down from -1 (which is -0.0). FromOrdered() is the
// inverse.
inline uint64_t ToOrdered(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) >> 1);
}
inline double FromOrdered(uint64_t word) {
  return std::bit_cast<double>(word ^
                               (static_cast<uint64_t>(static_cast<int64_t>(word) >> 63) >> 1));
}

}  // namespace varve::tsm::codec
