// Validity bitmaps: bit i (of word i / 64, low bits first) is set when row i has a value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve::tsm {

inline size_t ValidityWords(size_t rows) { return (rows + 63) / 64; }

// Sets the bits of rows [begin, end), for which `bits` has room.
inline void SetValid(std::vector<uint64_t>& bits, size_t begin, size_t end) {
  for (size_t row = begin; row < end;) {
    const size_t in_word = row % 64;
    const size_t n = std::min(end - row, 64 - in_word);
    const uint64_t ones = n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
    bits[row / 64] |= ones << in_word;
    row += n;
  }
}

// How many of the first `rows` bits are set.
inline size_t CountValid(const std::vector<uint64_t>& bits, size_t rows) {
  size_t count = 0;
  for (size_t word = 0; word < rows / 64; ++word) {
    count += static_cast<size_t>(std::popcount(bits[word]));
  }
  if (rows % 64 == 0) return count;
  const uint64_t ones = (uint64_t{1} << (rows % 64)) - 1;
  return count + static_cast<size_t>(std::popcount(bits[rows / 64] & ones));
}

}  // namespace varve::tsm
