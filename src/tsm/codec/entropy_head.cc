#include "tsm/codec/entropy_head.h"

#include "tsm/codec/bit_stream.h"

namespace varve::tsm::codec {

using namespace entropy;

bool EntropyHead::ReadTable(base::ByteReader& in) {
  uint8_t bits;
  uint64_t token_count;
  if (!in.GetFixed(&bits) || bits < kTableBitsMin || bits > kTableBitsMax ||
      !in.GetVarint(&token_count) || token_count == 0 || token_count > kTokens) {
    return false;
  }
  table_bits = bits;
  present = 0;
  uint32_t left = 1U << bits;
  std::string_view rest;
  base::ByteReader ahead = in;
  ahead.GetBytes(ahead.remaining(), &rest);
  BitReader fields(rest);
  for (unsigned token = 0; token < token_count; ++token) {
    const auto width = static_cast<unsigned>(fields.Get(kShareWidthBits));
    if (width == 0) {
      token += static_cast<unsigned>(fields.Get(kSkipBits));
      continue;
    }
    const uint32_t share = (1U << (width - 1)) + static_cast<uint32_t>(fields.Get(width - 1));
    if (fields.failed() || share > left || present == kPresentTokensMax) return false;
    tokens[present] = static_cast<uint16_t>(token);
    shares[present] = static_cast<uint16_t>(share);
    left -= share;
    ++present;
  }
  return left == 0 && !fields.failed() && in.GetBytes(fields.bytes_read(), &rest);
}

bool EntropyHead::Read(base::ByteReader& in, size_t count) {
  int64_t middle;
  uint64_t word_count;
  if (!in.GetSignedVarint(&middle) || !ReadTable(in) || !in.GetVarint(&word_count) ||
      word_count > count) {
    return false;
  }
  centre = static_cast<uint64_t>(middle);
  base::ByteReader ahead = in;
  ahead.GetBytes(ahead.remaining(), &from_states);
  for (uint32_t& state : states) {
    if (!in.GetFixed(&state) || state < kStateLow) return false;
  }
  return in.GetBytes(2 * word_count, &words);
}

}  // namespace varve::tsm::codec
