// What stands in front of entropy coded residuals: the table of shares, the states, the words.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/coding.h"
#include "tsm/codec/entropy_format.h"

namespace varve::tsm::codec {

// Left uninitialised beyond what Read() fills; the views borrow what was read.
struct EntropyHead {
  EntropyHead() {}

  uint64_t centre;
  unsigned table_bits;
  size_t present;                                           // tokens, 1 or more
  std::array<uint16_t, entropy::kPresentTokensMax> tokens;  // ascending
  std::array<uint16_t, entropy::kPresentTokensMax> shares;  // add up to 2^table_bits
  std::array<uint32_t, entropy::kStates> states;
  std::string_view words;
  // From the states to the end of what can be read: the bits behind the words are read from it.
  std::string_view from_states;

  // Whether every token says all of its distance.
  bool all_direct() const { return tokens[present - 1] < entropy::kDirectTokens; }
  // Moves `in` behind the words of a block of `count` residuals; false if it is short or malformed.
  bool Read(base::ByteReader& in, size_t count);

 private:
  bool ReadTable(base::ByteReader& in);
};

}  // namespace varve::tsm::codec
