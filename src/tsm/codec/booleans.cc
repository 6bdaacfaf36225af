#include <algorithm>
#include <vector>

#include "base/status.h"
#include "tsm/codec/bit_packing.h"
#include "tsm/codec/block.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/sizes.h"
#include "tsm/codec/word_plan.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed boolean block: offset=", in.offset());
}

void WriteBits(std::span<const uint8_t> values, std::string& out) {
  out.push_back(static_cast<char>(CodecId::kBits));
  for (size_t at = 0; at < values.size(); at += 8) {
    unsigned byte = 0;
    const size_t n = std::min<size_t>(8, values.size() - at);
    for (size_t i = 0; i < n; ++i) byte |= static_cast<unsigned>(values[at + i] & 1) << i;
    out.push_back(static_cast<char>(byte));
  }
}

absl::Status DecodeBits(base::ByteReader& in, std::span<uint8_t> out) {
  std::string_view bytes;
  if (!in.GetBytes(PackedBytes(out.size(), 1), &bytes)) return Malformed(in);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = (static_cast<uint8_t>(bytes[i / 8]) >> (i % 8)) & 1;
  }
  return absl::OkStatus();
}

absl::Status DecodeBitRuns(base::ByteReader& in, std::span<uint8_t> out) {
  uint8_t value;
  uint64_t runs;
  if (!in.GetFixed(&value) || value > 1 || !in.GetVarint(&runs) || runs == 0 || runs > out.size()) {
    return Malformed(in);
  }
  std::vector<uint64_t> lengths(runs);
  RETURN_IF_ERROR(DecodeWords(in, lengths));
  size_t at = 0;
  for (const uint64_t less_one : lengths) {
    if (less_one >= out.size() - at) return Malformed(in);
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(at), less_one + 1, value);
    at += less_one + 1;
    value ^= 1;
  }
  return at == out.size() ? absl::OkStatus() : Malformed(in);
}

}  // namespace

void EncodeBooleanBlock(std::span<const uint8_t> values, const EncodeOptions& options,
                        std::string& out) {
  size_t runs = 1;
  for (size_t i = 1; i < values.size(); ++i) runs += values[i] != values[i - 1];
  if (runs == 1) {
    out.push_back(static_cast<char>(CodecId::kConstant));
    out.push_back(static_cast<char>(values[0]));
    return;
  }
  if (runs > values.size() / 4) {
    WriteBits(values, out);
    return;
  }
  std::vector<uint64_t> lengths;
  lengths.reserve(runs);
  size_t start = 0;
  for (size_t i = 1; i <= values.size(); ++i) {
    if (i < values.size() && values[i] == values[i - 1]) continue;
    lengths.push_back(i - start - 1);
    start = i;
  }
  const WordPlan plan = PlanWords(lengths, options);
  if (1 + PackedBytes(values.size(), 1) <= 2 + VarintBytes(runs) + plan.bytes) {
    WriteBits(values, out);
    return;
  }
  out.push_back(static_cast<char>(CodecId::kBitRuns));
  out.push_back(static_cast<char>(values[0]));
  base::PutVarint(out, runs);
  WriteWords(lengths, plan, out);
}

absl::Status DecodeBooleanBlock(base::ByteReader& in, std::span<uint8_t> out) {
  CodecId codec;
  if (!in.GetFixed(&codec)) return Malformed(in);
  switch (codec) {
    case CodecId::kConstant: {
      uint8_t value;
      if (!in.GetFixed(&value) || value > 1) return Malformed(in);
      std::fill(out.begin(), out.end(), value);
      return absl::OkStatus();
    }
    case CodecId::kBits:
      return DecodeBits(in, out);
    case CodecId::kBitRuns:
      return DecodeBitRuns(in, out);
    default:
      return Malformed(in);
  }
}

}  // namespace varve::tsm::codec
