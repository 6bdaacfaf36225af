// Validity bitmaps: bit i (of word i / 64, low bits first) is set when row i has a value.
#pragma once

#include <algorithm>
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

}  // namespace varve::tsm
