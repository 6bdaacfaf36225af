// Short decimal numbers, eight digits at a time: the inner loop of reading line protocol.
//
// What does not fit here (exponents, more than 16 digits in a row) is left to ParseNumber(). What
// does is exact: a quotient of two integers below 2^53 and a power of ten up to 10^22, both of
// which a double holds, is rounded once (Clinger, "How to Read Floating Point Numbers Accurately",
// 1990, section 4).
#pragma once

#include <bit>
#include <cstdint>

#include "base/coding.h"
#include "model/types.h"

namespace varve::model {

// Bytes behind a number's first that are read whatever its length.
inline constexpr size_t kNumberPadding = 48;

// Up to eight decimal digits at the start of some text.
struct Digits {
  uint64_t value;
  unsigned count;
};

// Reads the digits at `at`, where eight bytes must be readable. No branch on their number.
inline Digits ReadDigits(const char* at) {
  uint64_t digits = base::LoadFixed<uint64_t>(at) ^ 0x3030303030303030;
  const uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
  const auto count = static_cast<unsigned>(std::countr_zero(others)) / 8;
  // Moves the digits up and zeros in, in two steps because count may be 0.
  digits = digits << (4 * (8 - count)) << (4 * (8 - count));
  digits = digits * 10 + (digits >> 8);  // pairs, in every other byte
  digits = ((digits & 0x000000ff000000ff) * 0x000f424000000064 +
            ((digits >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
           32;
  return {digits, count};
}

inline constexpr uint64_t kIntegerPowersOfTen[17] = {1,
                                                     10,
                                                     100,
                                                     1'000,
                                                     10'000,
                                                     100'000,
                                                     1'000'000,
                                                     10'000'000,
                                                     100'000'000,
                                                     1'000'000'000,
                                                     10'000'000'000,
                                                     100'000'000'000,
                                                     1'000'000'000'000,
                                                     10'000'000'000'000,
                                                     100'000'000'000'000,
                                                     1'000'000'000'000'000,
                                                     10'000'000'000'000'000};

// Up to sixteen digits, where sixteen bytes must be readable.
inline Digits ReadManyDigits(const char* at) {
  Digits digits = ReadDigits(at);
  if (digits.count < 8) return digits;
  const Digits more = ReadDigits(at + 8);
  return {digits.value * kIntegerPowersOfTen[more.count] + more.value, 8 + more.count};
}

// Parses [at, end) as a float ("58", "-1.25") or an integer ("58i") into `*value`. False: not of
// the short and exact kind, or no number. kNumberPadding bytes must be readable from `at`.
inline bool ParsePlainNumber(const char* at, const char* end, FieldValue* value) {
  constexpr uint64_t kExactMax = uint64_t{1} << 53;
  constexpr double kDivisors[17] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
  const bool negative = *at == '-';
  if (negative) ++at;
  const Digits whole = ReadManyDigits(at);
  at += whole.count;
  if (at + 1 == end && *at == 'i') {
    const auto integer = static_cast<int64_t>(whole.value);
    *value = FieldValue::Integer(negative ? -integer : integer);
    return whole.count > 0;
  }
  uint64_t mantissa = whole.value;
  Digits fraction{0, 0};
  if (*at == '.') {
    fraction = ReadManyDigits(at + 1);
    at += 1 + fraction.count;
    // More than 19 digits could overflow; nothing that long is exact.
    if (whole.count + fraction.count > 19) return false;
    mantissa = mantissa * kIntegerPowersOfTen[fraction.count] + fraction.value;
  }
  if (at != end || mantissa > kExactMax || whole.count + fraction.count == 0) return false;
  const double size = static_cast<double>(mantissa) / kDivisors[fraction.count];
  *value = FieldValue::Float(negative ? -size : size, static_cast<uint8_t>(fraction.count));
  return true;
}

}  // namespace varve::model
