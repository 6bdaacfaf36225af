// What the encoder and the decoder of entropy coded residuals agree on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/coding.h"

namespace varve::tsm::codec::entropy {

inline constexpr unsigned kDirectTokens = 16;
inline constexpr unsigned kTokenBits = 3;       // behind the leading one
inline constexpr unsigned kMagnitudeBits = 56;  // distances have at most so many bits
inline constexpr size_t kTokens = kDirectTokens + (kMagnitudeBits - 4) * (1U << kTokenBits);
inline constexpr size_t kPresentTokensMax = 256;

inline constexpr unsigned kTableBitsMin = 1;
inline constexpr unsigned kTableBitsMax = 12;

// Values take turns on so many states. A state keeps within [2^16, 2^32) and moves 16 bits at once.
inline constexpr size_t kStates = 4;
inline constexpr uint32_t kStateLow = 1U << 16;

constexpr unsigned TokenOf(uint64_t distance) {
  if (distance < kDirectTokens) return static_cast<unsigned>(distance);
  const auto top = static_cast<unsigned>(std::bit_width(distance)) - 1;
  const auto next =
      static_cast<unsigned>(distance >> (top - kTokenBits)) & ((1U << kTokenBits) - 1);
  return kDirectTokens + ((top - 4) << kTokenBits) + next;
}
// Bits of the distance below the token.
constexpr unsigned ExtraBits(unsigned token) {
  return token < kDirectTokens ? 0 : ((token - kDirectTokens) >> kTokenBits) + 4 - kTokenBits;
}
// The least distance of the token.
constexpr uint64_t DistanceOf(unsigned token) {
  if (token < kDirectTokens) return token;
  const uint64_t leading =
      (1U << kTokenBits) | ((token - kDirectTokens) & ((1U << kTokenBits) - 1));
  return leading << ExtraBits(token);
}
constexpr uint64_t ResidualOf(uint64_t distance, uint64_t centre) {
  return static_cast<uint64_t>(base::UnZigZag(distance)) + centre;
}
static_assert(TokenOf((uint64_t{1} << kMagnitudeBits) - 1) == kTokens - 1);
static_assert(DistanceOf(TokenOf(1000)) <= 1000 && TokenOf(DistanceOf(77)) == 77);

// In the table in front, a token's share is its bit width in four bits and the bits below the
// leading one; a width of 0 stands for an absent token and a further kSkipBits of absent ones.
inline constexpr unsigned kShareWidthBits = 4;
inline constexpr unsigned kSkipBits = 4;

}  // namespace varve::tsm::codec::entropy
