#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/status.h"
#include "tsm/codec/bit_packing.h"
#include "tsm/codec/block.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/decimal.h"
#include "tsm/codec/sizes.h"
#include "tsm/codec/word_plan.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

// Orders bit patterns as the numbers are ordered, so that near values have near words; its own
// inverse.
inline uint64_t OrderedBits(uint64_t bits) {
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) >> 1);
}

unsigned PositionWidth(size_t count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

size_t DecimalHeadBytes(const Decimals& decimals) {
  const size_t exceptions = decimals.exceptions.size();
  return 2 + VarintBytes(exceptions) +
         PackedBytes(exceptions, PositionWidth(decimals.words.size())) + 8 * exceptions;
}

void WriteDecimals(std::span<const double> values, const Decimals& decimals, const WordPlan& plan,
                   std::string& out) {
  out.push_back(static_cast<char>(CodecId::kDecimal));
  out.push_back(static_cast<char>(decimals.exponent));
  WriteWords(decimals.words, plan, out);
  base::PutVarint(out, decimals.exceptions.size());
  PackBits(decimals.exceptions, PositionWidth(values.size()), out);
  for (const uint64_t at : decimals.exceptions) base::PutFixed(out, values[at]);
}

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed float block: offset=", in.offset());
}

// The words of a block on their way to doubles. On the stack: a read must not allocate.
struct WordRoom {
  WordRoom() {}  // leaves the room uninitialised
  std::array<uint64_t, kMaxBlockValues> words;
};

// Reads values that no codec could hold, and where they belong.
absl::Status DecodeExceptions(base::ByteReader& in, std::span<double> out) {
  uint64_t count;
  if (!in.GetVarint(&count) || count > out.size()) return Malformed(in);
  if (count == 0) return absl::OkStatus();
  const unsigned position_width = PositionWidth(out.size());
  std::string_view packed_positions;
  std::string_view exceptions;
  if (!in.GetBytes(PackedBytes(count, position_width), &packed_positions) ||
      !in.GetBytes(8 * count, &exceptions)) {
    return Malformed(in);
  }
  std::vector<uint64_t> positions(count);
  UnpackBits(packed_positions.data(), position_width, positions);
  for (size_t i = 0; i < count; ++i) {
    if (positions[i] >= out.size()) return Malformed(in);
    out[positions[i]] = base::LoadFixed<double>(exceptions.data() + 8 * i);
  }
  return absl::OkStatus();
}

absl::Status DecodeDecimals(base::ByteReader& in, std::span<double> out) {
  uint8_t exponent;
  if (!in.GetFixed(&exponent) || exponent > kDecimalExponentMax) return Malformed(in);
  WordRoom room;
  const std::span<uint64_t> words(room.words.data(), out.size());
  RETURN_IF_ERROR(DecodeWords(in, words));
  RestoreDecimals(words, exponent, out);
  return DecodeExceptions(in, out);
}

absl::Status DecodeFloatBits(base::ByteReader& in, std::span<double> out) {
  WordRoom room;
  const std::span<uint64_t> words(room.words.data(), out.size());
  RETURN_IF_ERROR(DecodeWords(in, words));
  for (size_t i = 0; i < out.size(); ++i) out[i] = std::bit_cast<double>(OrderedBits(words[i]));
  return absl::OkStatus();
}

absl::Status DecodeRaw(base::ByteReader& in, std::span<double> out) {
  std::string_view bytes;
  if (!in.GetBytes(out.size_bytes(), &bytes)) return Malformed(in);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace

void EncodeFloatBlock(std::span<const double> values, const EncodeOptions& options,
                      std::string& out) {
  size_t best_bytes = 1 + values.size_bytes();
  const auto decimals = FindDecimals(values);
  WordPlan decimal_plan;
  if (decimals) {
    decimal_plan = PlanWords(decimals->words, options);
    best_bytes = std::min(best_bytes, DecimalHeadBytes(*decimals) + decimal_plan.bytes);
    if (best_bytes <= values.size() * 4) {
      WriteDecimals(values, *decimals, decimal_plan, out);
      return;
    }
  }
  WordRoom room;
  for (size_t i = 0; i < values.size(); ++i) {
    room.words[i] = OrderedBits(std::bit_cast<uint64_t>(values[i]));
  }
  const std::span<const uint64_t> words(room.words.data(), values.size());
  const WordPlan bits_plan = PlanWords(words, options);
  if (1 + bits_plan.bytes < best_bytes) {
    out.push_back(static_cast<char>(CodecId::kFloatBits));
    WriteWords(words, bits_plan, out);
  } else if (best_bytes < 1 + values.size_bytes()) {
    WriteDecimals(values, *decimals, decimal_plan, out);
  } else {
    out.push_back(static_cast<char>(CodecId::kRaw));
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
}

absl::Status DecodeFloatBlock(base::ByteReader& in, std::span<double> out) {
  CodecId codec;
  if (!in.GetFixed(&codec)) return Malformed(in);
  switch (codec) {
    case CodecId::kDecimal:
      return DecodeDecimals(in, out);
    case CodecId::kFloatBits:
      return DecodeFloatBits(in, out);
    case CodecId::kRaw:
      return DecodeRaw(in, out);
    default:
      return Malformed(in);
  }
}

}  // namespace varve::tsm::codec
