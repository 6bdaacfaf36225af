// Entropy coding of residuals, for cold data: as few bits as their distribution allows.
//
// Sources: Duda, "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with
// compression rate of arithmetic coding", 2013 (the range variant, rANS); Giesen, "Interleaved
// entropy coders", 2014 (states that take turns hide each other's latency). A residual becomes a
// token, the zigzagged distance from a centre: itself when below 16, else its magnitude to three
// bits behind the leading one, as in JPEG XL's hybrid integers; the bits below are stored as they
// are. Tokens are coded with a static table that stands in front. No general compressor is as close
// to the entropy of a block of small steps: Zstandard's Huffman codes spend whole bits.
// Bytes: docs/format.md, "Entropy coded residuals".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "base/coding.h"

namespace varve::tsm::codec {

// The distribution of residuals, counted; from it the size, and then the encoding.
class EntropyModel {
 public:
  // nullopt when they spread too far: a distance of 2^56 or more, or more than 256 tokens.
  static std::optional<EntropyModel> Count(std::span<const uint64_t> residuals);

  // Bytes that Encode() will append, within a few.
  size_t EstimateBytes() const;
  // `residuals` are those that were counted.
  void Encode(std::span<const uint64_t> residuals, std::string& out) const;

 private:
  EntropyModel() = default;

  uint64_t centre_ = 0;
  uint32_t count_ = 0;
  unsigned token_max_ = 0;
  std::unique_ptr<uint32_t[]> counts_;  // of each token
};

// DATA_LOSS if the bytes are short or malformed. 1 to kMaxBlockValues residuals, of which at least
// the first `wanted` are decoded; where not all are, that the others are malformed is not seen.
absl::Status DecodeEntropy(base::ByteReader& in, size_t wanted, std::span<uint64_t> out);

}  // namespace varve::tsm::codec
