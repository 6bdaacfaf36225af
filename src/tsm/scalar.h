// Single numbers as few bytes: distances in time, and floats that are short decimals.
//
// Bytes: docs/format.md, "TSM file", "Scalars".
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/coding.h"

namespace varve::tsm {

// A distance of time is written in the coarsest of these units that divides it, as a varint whose
// low two bits name the unit: whole seconds up to half a minute take one byte. The code kTimeRaw
// (no canonical code: zero is coded 0) is followed by the eight bytes of a distance that leaves no
// room for the two bits.
inline constexpr uint64_t kTimeUnits[4] = {1, 1'000, 1'000'000, 1'000'000'000};
inline constexpr uint64_t kTimeRaw = 1;

inline unsigned TimeUnitOf(uint64_t magnitude) {
  if (magnitude % 1'000 != 0) return 0;
  if (magnitude % 1'000'000 != 0) return 1;
  return magnitude % 1'000'000'000 != 0 ? 2 : 3;
}

inline void PutTimeCode(std::string& out, uint64_t scaled, unsigned unit, uint64_t raw) {
  if (scaled == 0) {
    base::PutVarint(out, 0);
  } else if (scaled < (uint64_t{1} << 62)) {
    base::PutVarint(out, scaled << 2 | unit);
  } else {
    base::PutVarint(out, kTimeRaw);
    base::PutFixed(out, raw);
  }
}

inline void PutTimeDelta(std::string& out, uint64_t ns) {
  const unsigned unit = TimeUnitOf(ns);
  PutTimeCode(out, ns / kTimeUnits[unit], unit, ns);
}
inline bool GetTimeDelta(base::ByteReader& in, uint64_t* ns) {
  uint64_t code;
  if (!in.GetVarint(&code)) return false;
  if (code == kTimeRaw) return in.GetFixed(ns);
  *ns = (code >> 2) * kTimeUnits[code & 3];
  return true;
}

// Differences are taken modulo 2^64, so any two times may be given.
inline void PutTimeRelative(std::string& out, int64_t time, int64_t base) {
  const auto raw = static_cast<uint64_t>(time) - static_cast<uint64_t>(base);
  const auto difference = static_cast<int64_t>(raw);
  const unsigned unit = TimeUnitOf(difference < 0 ? uint64_t{0} - raw : raw);
  PutTimeCode(out, base::ZigZag(difference / static_cast<int64_t>(kTimeUnits[unit])), unit, raw);
}
inline bool GetTimeRelative(base::ByteReader& in, int64_t base, int64_t* time) {
  uint64_t code;
  if (!in.GetVarint(&code)) return false;
  uint64_t raw;
  if (code == kTimeRaw) {
    if (!in.GetFixed(&raw)) return false;
  } else {
    raw = static_cast<uint64_t>(base::UnZigZag(code >> 2)) * kTimeUnits[code & 3];
  }
  *time = static_cast<int64_t>(static_cast<uint64_t>(base) + raw);
  return true;
}

// A float is a short decimal when it equals m / 10^e, bit for bit, for an integer |m| < 2^53 and an
// e up to kMaxDecimalExponent. kNotDecimal stands where the exponent would for any other.
inline constexpr unsigned kMaxDecimalExponent = 14;
inline constexpr unsigned kNotDecimal = 15;
inline constexpr double kPowersOfTen[kMaxDecimalExponent + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

inline double FromDecimal(int64_t mantissa, unsigned exponent) {
  return static_cast<double>(mantissa) / kPowersOfTen[exponent];
}
inline bool ToDecimal(double value, unsigned exponent, int64_t* mantissa) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < 9007199254740992.0)) return false;
  *mantissa = static_cast<int64_t>(std::nearbyint(scaled));
  return std::bit_cast<uint64_t>(FromDecimal(*mantissa, exponent)) ==
         std::bit_cast<uint64_t>(value);
}

// The least exponent with which every value is a short decimal, or kNotDecimal.
//   mantissas  receives one per value when there is one.
template <typename Values>
unsigned CommonDecimal(const Values& values, int64_t* mantissas) {
  unsigned exponent = 0;
  size_t fitting = 0;  // values in a row that fit the present exponent
  for (size_t i = 0; fitting < values.size(); i = i + 1 == values.size() ? 0 : i + 1) {
    if (ToDecimal(values[i], exponent, &mantissas[i])) {
      ++fitting;
      continue;
    }
    while (++exponent <= kMaxDecimalExponent && !ToDecimal(values[i], exponent, &mantissas[i])) {
    }
    if (exponent > kMaxDecimalExponent) return kNotDecimal;
    fitting = 1;
  }
  return exponent;
}

}  // namespace varve::tsm
