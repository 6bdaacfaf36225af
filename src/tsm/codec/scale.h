// The common factor of words: decimal steps of a clock, sizes in pages or sectors.
#pragma once

#include <cstdint>
#include <span>

namespace varve::tsm::codec {

// Divides multiples of a fixed number without a division.
//
// Source: Granlund and Montgomery, "Division by Invariant Integers using Multiplication", PLDI
// 1994, section 9: with d = odd * 2^shift, an exact quotient is a product with the inverse of odd
// modulo 2^64.
class ExactDivisor {
 public:
  // divisor >= 1.
  explicit ExactDivisor(uint64_t divisor);
  // `value` is a multiple of the divisor, as a signed number.
  uint64_t Divide(uint64_t value) const {
    return static_cast<uint64_t>(static_cast<int64_t>(value) >> shift_) * inverse_;
  }
  // Whether the signed number `value` is a multiple.
  bool Divides(uint64_t value) const;

 private:
  unsigned shift_;
  uint64_t inverse_;
  uint64_t quotient_max_;  // of odd: 2^64 / odd
};

// Returns the greatest g with words[i] == words[0] + g * (a signed integer) for all i, computed on
// signed 64-bit differences; 1 when those may overflow, or when all words are equal.
//   range  the greatest word less the smallest, as signed numbers.
uint64_t CommonFactor(std::span<const uint64_t> words, uint64_t range);

}  // namespace varve::tsm::codec
