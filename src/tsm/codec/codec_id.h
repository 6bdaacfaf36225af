// The numbers of the codecs on disk: the first byte of a block, and of each stream within one.
#pragma once

#include <cstdint>

namespace varve::tsm::codec {

// Bytes of each: docs/format.md, "Blocks". A number is never given a second meaning.
enum class CodecId : uint8_t {
  // Word streams (words.h): integers, unsigneds, times, and parts of the others.
  kConstant = 1,
  kStep = 2,
  kPacked = 3,
  kDelta = 4,
  kDelta2 = 5,
  kRuns = 6,
  kWordDictionary = 7,
  kEntropy = 8,
  kDeltaEntropy = 9,
  kDelta2Entropy = 10,
  // Floats.
  kDecimal = 16,
  kFloatBits = 17,
  kFloatSplit = 18,
  kNearDecimal = 19,
  kRaw = 20,
  kSingleDecimal = 21,
  // Booleans.
  kBits = 24,
  kBitRuns = 25,
  // Strings.
  kTextConstant = 32,
  kTextDictionary = 33,
  kText = 34,
};

}  // namespace varve::tsm::codec
