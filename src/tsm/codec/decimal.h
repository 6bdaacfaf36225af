// Floats that began as decimal numbers: value == k / 10^exponent, k a small integer.
//
// Source: the idea is that of ALP (Afroozeh, Kuffo and Boncz, "ALP: Adaptive Lossless
// floating-Point Compression", SIGMOD 2023): find the exponent on a sample, verify every value bit
// for bit, patch the exceptions. Instead of ALP's two factors it divides: the quotient of two
// exactly representable numbers is rounded correctly, as the parser of a decimal number rounds, so
// every decimal of up to 15 digits is exact at its own exponent, and k has no spare digits.
//
// Two more kinds are common among measurements. A result of arithmetic on decimals, an average or
// 100 - idle, misses its decimal by a few units in the last place: those are kept as corrections.
// And decimals that passed through single precision are restored through it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tsm/codec.h"

namespace varve::tsm::codec {

inline constexpr unsigned kDecimalExponentMax = 22;  // the greatest whose power is a double

struct Decimals {
  bool single = false;  // restored through single precision
  unsigned exponent = 0;
  std::vector<uint64_t> words;  // k of each value; of an exception the k before it
  // What to add to the ordered bits (float_bits.h) of each decimal; empty when all are exact but
  // the exceptions.
  std::vector<uint64_t> corrections;
  std::vector<uint64_t> exceptions;  // ascending positions of values that are nowhere near
};

// nullopt when too few of the values are decimals of one exponent to be worth it.
std::optional<Decimals> FindDecimals(std::span<const double> values);

// out[i] = words[i] / 10^exponent. Any words and any exponent up to the greatest are safe.
void RestoreDecimals(std::span<const uint64_t> words, unsigned exponent, std::span<double> out);
// The same, rounded to single precision.
void RestoreSingleDecimals(std::span<const uint64_t> words, unsigned exponent,
                           std::span<double> out);
// Adds corrections[i] to the ordered bits of values[i].
void CorrectDecimals(std::span<const uint64_t> corrections, std::span<double> values);

}  // namespace varve::tsm::codec
