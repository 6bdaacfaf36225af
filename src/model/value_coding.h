// One number of a write batch as bytes: a tag that gives its length, then only the bytes it needs.
//
// Bytes: docs/format.md, "Write batch", "word". Neither direction branches on the length, which a
// processor could not predict: both always touch eight bytes and move on by fewer.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/coding.h"

namespace varve::model {

// Bytes a word may take, and bytes a store or load may touch.
inline constexpr size_t kWordBytesMax = 9;

// The high half of a float's tag: decimals, or this for its 64 bits as they are.
inline constexpr unsigned kRawFloat = 15;
inline constexpr unsigned kDecimalsMax = 14;

inline constexpr double kPowersOfTen[kDecimalsMax + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

// Stores `value` at `to`, where kWordBytesMax bytes may be overwritten; returns behind its last.
inline char* PutWord(char* to, uint64_t value, unsigned high) {
  const auto bytes = static_cast<unsigned>(64 - std::countl_zero(value) + 7) / 8;
  *to = static_cast<char>(high << 4 | bytes);
  std::memcpy(to + 1, &value, sizeof(value));
  return to + 1 + bytes;
}

// A mantissa m and decimals d with value == m / 10^d to the bit.
struct Decimal {
  int64_t mantissa;
  unsigned decimals;
};

// Finds the Decimal of `value` with the given number of decimals, or with none. False when no such
// pair gives back the same bits (fractions, NaN, infinities, negative zero, 2^53 and beyond).
inline bool ToDecimal(double value, unsigned decimals, Decimal* out) {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  if (decimals > kDecimalsMax) decimals = 0;
  const double scaled = value * kPowersOfTen[decimals];
  if (!(std::fabs(scaled) < kExactMax)) return false;
  const double rounded = decimals == 0 ? scaled : std::nearbyint(scaled);
  const auto mantissa = static_cast<int64_t>(rounded);
  const double back = static_cast<double>(mantissa) / kPowersOfTen[decimals];
  if (std::bit_cast<uint64_t>(back) != std::bit_cast<uint64_t>(value)) return false;
  *out = {mantissa, decimals};
  return true;
}

inline char* PutFloat(char* to, double value, unsigned decimals) {
  Decimal decimal;
  if (ToDecimal(value, decimals, &decimal)) {
    return PutWord(to, base::ZigZag(decimal.mantissa), decimal.decimals);
  }
  *to = static_cast<char>(kRawFloat << 4 | 8);
  std::memcpy(to + 1, &value, sizeof(value));
  return to + 1 + sizeof(value);
}

// A word taken apart.
struct Word {
  uint64_t value;
  unsigned high;
  unsigned bytes;  // behind the tag; greater than 8 in a malformed word
};

inline constexpr uint64_t kWordMasks[16] = {
    0,
    0xff,
    0xffff,
    0xffffff,
    0xffffffff,
    0xffffffffff,
    0xffffffffffff,
    0xffffffffffffff,
    0xffffffffffffffff,
};

// Loads the word at `from`; kWordBytesMax bytes must be readable there, whatever its length.
inline Word GetWord(const char* from) {
  const auto tag = static_cast<uint8_t>(*from);
  Word word{base::LoadFixed<uint64_t>(from + 1), unsigned{tag} >> 4, unsigned{tag} & 15};
  word.value &= kWordMasks[word.bytes];
  return word;
}

// The float a word holds; false when it holds none.
inline bool FloatOfWord(const Word& word, double* value) {
  if (word.high == kRawFloat) {
    *value = std::bit_cast<double>(word.value);
    return word.bytes == 8;
  }
  *value = static_cast<double>(base::UnZigZag(word.value)) / kPowersOfTen[word.high];
  return true;
}

}  // namespace varve::model
