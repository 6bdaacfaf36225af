// The bit patterns of doubles as words.
#pragma once

#include <bit>
#include <cstdint>

namespace varve::tsm::codec {

// Orders bit patterns as the numbers are ordered, so that near values have near words: positive
// numbers keep their bits, negative ones count down from -1 (which is -0.0). FromOrdered() is the
// inverse.
inline uint64_t InvertNegative(uint64_t bits) {
  return bits ^ ((-(bits >> 63)) >> 1);  // no arithmetic shift: SSE and AVX2 have none of 64 bits
}
inline uint64_t ToOrdered(double value) { return InvertNegative(std::bit_cast<uint64_t>(value)); }
inline double FromOrdered(uint64_t word) { return std::bit_cast<double>(InvertNegative(word)); }

}  // namespace varve::tsm::codec
