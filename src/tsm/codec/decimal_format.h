// What finding decimals and restoring them share.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "tsm/codec/decimal.h"

namespace varve::tsm::codec {

// All exact.
inline constexpr std::array<double, kDecimalExponentMax + 1> kPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Adding it rounds a number below 2^51 to an integer, which the low bits of the sum then hold.
// Plain additions on both sides, so that loops of it vectorise without AVX-512.
inline constexpr double kRounder = 0x1.8p52;
inline constexpr uint64_t kRounderBits = std::bit_cast<uint64_t>(kRounder);
inline constexpr double kIntegerMax = 0x1p51;

// The integer `word` as a double; exact below kIntegerMax on both sides of zero.
inline double IntegerOf(uint64_t word) {
  return std::bit_cast<double>(word + kRounderBits) - kRounder;
}

}  // namespace varve::tsm::codec
