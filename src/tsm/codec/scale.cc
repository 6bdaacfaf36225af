#include "tsm/codec/scale.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace varve::tsm::codec {
namespace {

uint64_t Magnitude(uint64_t difference) {
  return static_cast<int64_t>(difference) < 0 ? -difference : difference;
}

}  // namespace

ExactDivisor::ExactDivisor(uint64_t divisor)
    : shift_(static_cast<unsigned>(std::countr_zero(divisor))) {
  const uint64_t odd = divisor >> shift_;
  inverse_ = odd;  // right in its low three bits; each step doubles them
  for (int i = 0; i < 5; ++i) inverse_ *= 2 - odd * inverse_;
  quotient_max_ = ~uint64_t{0} / odd;
}

bool ExactDivisor::Divides(uint64_t value) const {
  const uint64_t magnitude = Magnitude(value);
  if ((magnitude & ((uint64_t{1} << shift_) - 1)) != 0) return false;
  return (magnitude >> shift_) * inverse_ <= quotient_max_;
}

uint64_t CommonFactor(std::span<const uint64_t> words, uint64_t range) {
  if (range >= uint64_t{1} << 63) return 1;
  uint64_t factor = 0;
  // Most streams have no common factor, and a few words show it.
  const size_t stride = std::max<size_t>(1, words.size() / 16);
  for (size_t i = stride; i < words.size(); i += stride) {
    factor = std::gcd(factor, Magnitude(words[i] - words[0]));
    if (factor == 1) return 1;
  }
  if (factor == 0) factor = range;
  while (factor > 1) {
    const ExactDivisor divisor(factor);
    const auto odd_one = std::find_if(words.begin(), words.end(), [&](uint64_t word) {
      return !divisor.Divides(word - words[0]);
    });
    if (odd_one == words.end()) return factor;
    factor = std::gcd(factor, Magnitude(*odd_one - words[0]));
  }
  return 1;
}

}  // namespace varve::tsm::codec
