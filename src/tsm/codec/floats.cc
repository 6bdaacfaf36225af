#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/status.h"
#include "tsm/codec/bit_packing.h"
#include "tsm/codec/block.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/decimal.h"
#include "tsm/codec/float_bits.h"
#include "tsm/codec/float_split.h"
#include "tsm/codec/sizes.h"
#include "tsm/codec/word_plan.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed float block: offset=", in.offset());
}

// The words of a block on their way from or to doubles. On the stack: a read must not allocate.
struct WordRoom {
  WordRoom() {}  // leaves the room uninitialised
  std::array<uint64_t, kMaxBlockValues> words;
};

// Values kept as they are: how many, their packed positions, their bits.
size_t ExceptionBytes(size_t exceptions, size_t count) {
  return VarintBytes(exceptions) + PackedBytes(exceptions, PositionWidth(count)) + 8 * exceptions;
}

void WriteExceptions(std::span<const double> values, std::span<const uint64_t> positions,
                     std::string& out) {
  base::PutVarint(out, positions.size());
  PackBits(positions, PositionWidth(values.size()), out);
  for (const uint64_t at : positions) base::PutFixed(out, values[at]);
}

absl::Status ReadExceptions(base::ByteReader& in, std::span<double> out) {
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

// How decimals are coded, and what that costs.
struct DecimalPlan {
  Decimals decimals;
  WordPlan words;
  WordPlan corrections;
  size_t bytes = 0;
};

// Turns corrections into exceptions.
void DropCorrections(Decimals& decimals) {
  std::vector<uint64_t> positions;
  size_t next = 0;
  for (size_t i = 0; i < decimals.corrections.size(); ++i) {
    const bool exception = next < decimals.exceptions.size() && decimals.exceptions[next] == i;
    next += exception;
    if (exception || decimals.corrections[i] != 0) positions.push_back(i);
  }
  decimals.exceptions = std::move(positions);
  decimals.corrections.clear();
}

DecimalPlan PlanDecimals(Decimals decimals, const EncodeOptions& options) {
  DecimalPlan plan;
  const size_t count = decimals.words.size();
  plan.words = PlanWords(decimals.words, options);
  if (!decimals.corrections.empty()) {
    plan.corrections = PlanWords(decimals.corrections, options);
    const auto near = count - static_cast<size_t>(std::count(decimals.corrections.begin(),
                                                             decimals.corrections.end(), 0));
    const size_t hard = decimals.exceptions.size();
    if (ExceptionBytes(hard + near, count) < ExceptionBytes(hard, count) + plan.corrections.bytes) {
      DropCorrections(decimals);
      plan.corrections = WordPlan();
    }
  }
  plan.bytes = 2 + plan.words.bytes + plan.corrections.bytes +
               ExceptionBytes(decimals.exceptions.size(), count);
  plan.decimals = std::move(decimals);
  return plan;
}

void WriteDecimals(std::span<const double> values, const DecimalPlan& plan, std::string& out) {
  const Decimals& decimals = plan.decimals;
  const bool near = !decimals.corrections.empty();
  const CodecId codec = near              ? CodecId::kNearDecimal
                        : decimals.single ? CodecId::kSingleDecimal
                                          : CodecId::kDecimal;
  out.push_back(static_cast<char>(codec));
  out.push_back(static_cast<char>(decimals.exponent));
  WriteWords(decimals.words, plan.words, out);
  if (near) WriteWords(decimals.corrections, plan.corrections, out);
  WriteExceptions(values, decimals.exceptions, out);
}

absl::Status DecodeDecimals(base::ByteReader& in, CodecId codec, std::span<double> out,
                            size_t wanted, GroupPlace grouped) {
  uint8_t exponent;
  if (!in.GetFixed(&exponent) || exponent > kDecimalExponentMax) return Malformed(in);
  WordRoom room;
  const std::span<uint64_t> words(room.words.data(), out.size());
  RETURN_IF_ERROR(DecodeWords(in, words, wanted, grouped));
  const size_t first = std::min(wanted, out.size());
  if (codec == CodecId::kSingleDecimal) {
    RestoreSingleDecimals(words.first(first), exponent, out.first(first));
  } else {
    RestoreDecimals(words.first(first), exponent, out.first(first));
  }
  if (codec == CodecId::kNearDecimal) {
    RETURN_IF_ERROR(DecodeWords(in, words));
    CorrectDecimals(words.first(first), out.first(first));
  }
  return ReadExceptions(in, out);
}

absl::Status DecodeFloatBits(base::ByteReader& in, std::span<double> out, size_t wanted) {
  WordRoom room;
  const std::span<uint64_t> words(room.words.data(), out.size());
  RETURN_IF_ERROR(DecodeWords(in, words, wanted));
  const size_t first = std::min(wanted, out.size());
  for (size_t i = 0; i < first; ++i) out[i] = FromOrdered(words[i]);
  return absl::OkStatus();
}

absl::Status DecodeRaw(base::ByteReader& in, std::span<double> out) {
  std::string_view bytes;
  if (!in.GetBytes(out.size_bytes(), &bytes)) return Malformed(in);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

// Values that are no decimals, or hardly: as bit patterns in one of three ways, if any takes less
// than `limit` bytes. Returns whether it did. The XOR codecs (Gorilla, Chimp128) are not among
// them: differences of ordered bits take less on everything that drifts, the split on everything
// that does not, a dictionary on what repeats, and all of them are read several times faster.
bool EncodeBits(std::span<const double> values, size_t limit, const EncodeOptions& options,
                std::string& out) {
  WordRoom room;
  for (size_t i = 0; i < values.size(); ++i) room.words[i] = ToOrdered(values[i]);
  const std::span<const uint64_t> words(room.words.data(), values.size());
  const WordPlan bits = PlanWords(words, options);
  const size_t raw_bytes = 1 + values.size_bytes();
  limit = std::min(limit, raw_bytes + 1);
  // A split keeps 52 bits and more as they are.
  if (std::min(limit, 1 + bits.bytes) > values.size() * 13 / 2) {
    const SplitPlan split = PlanSplit(values, options);
    if (split.bytes < std::min({limit, raw_bytes, 1 + bits.bytes})) {
      WriteSplit(values, split, out);
      return true;
    }
  }
  if (1 + bits.bytes < std::min(limit, raw_bytes)) {
    out.push_back(static_cast<char>(CodecId::kFloatBits));
    WriteWords(words, bits, out);
    return true;
  }
  if (raw_bytes >= limit) return false;
  out.push_back(static_cast<char>(CodecId::kRaw));
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return true;
}

}  // namespace

void EncodeFloatBlock(std::span<const double> values, const EncodeOptions& options,
                      std::string& out) {
  auto decimals = FindDecimals(values);
  if (!decimals) {
    EncodeBits(values, ~size_t{0}, options, out);
    return;
  }
  const DecimalPlan plan = PlanDecimals(*std::move(decimals), options);
  // Corrections of values that repeat come for nothing in a dictionary of whole values.
  const bool repeats =
      plan.words.codec == CodecId::kWordDictionary && !plan.decimals.corrections.empty();
  const bool dense = plan.bytes <= values.size() * 4 && !repeats;
  if (dense || !EncodeBits(values, plan.bytes, options, out)) WriteDecimals(values, plan, out);
}

absl::Status DecodeFloatBlock(base::ByteReader& in, std::span<double> out, size_t wanted,
                              GroupPlace grouped) {
  CodecId codec;
  if (!in.GetFixed(&codec)) return Malformed(in);
  switch (codec) {
    case CodecId::kDecimal:
    case CodecId::kNearDecimal:
    case CodecId::kSingleDecimal:
      return DecodeDecimals(in, codec, out, wanted, grouped);
    case CodecId::kFloatBits:
      return DecodeFloatBits(in, out, wanted);
    case CodecId::kFloatSplit:
      return DecodeSplit(in, out);
    case CodecId::kRaw:
      return DecodeRaw(in, out);
    default:
      return Malformed(in);
  }
}

bool AddFloatBlock(base::ByteReader in, size_t count, size_t wanted, EntropyGroup& group) {
  CodecId codec;
  uint8_t exponent;
  if (!in.GetFixed(&codec)) return false;
  const bool decimal = codec == CodecId::kDecimal || codec == CodecId::kNearDecimal ||
                       codec == CodecId::kSingleDecimal;
  return decimal && in.GetFixed(&exponent) && AddWords(in, count, wanted, group);
}

}  // namespace varve::tsm::codec
