#include "tsm/codec/float_split.h"

#include <array>
#include <bit>

#include "base/status.h"
#include "tsm/codec/bit_packing.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

constexpr unsigned kExponentBits = 11;
// Leading bits of the mantissa that may go left with the exponent.
constexpr unsigned kMantissaBits[] = {0, 4};

// The sign moves behind the lowest bit of the mantissa.
uint64_t SignLast(double value) { return std::rotl(std::bit_cast<uint64_t>(value), 1); }

struct Halves {
  Halves() {}  // leaves the room uninitialised
  std::array<uint64_t, kMaxBlockValues> lefts;
  std::array<uint64_t, kMaxBlockValues> rights;
};

}  // namespace

SplitPlan PlanSplit(std::span<const double> values, const EncodeOptions& options) {
  SplitPlan best;
  best.bytes = ~size_t{0};
  for (const unsigned mantissa_bits : kMantissaBits) {
    SplitPlan plan;
    plan.right_bits = 64 - kExponentBits - mantissa_bits;
    plan.lefts.reserve(values.size());
    for (const double value : values) plan.lefts.push_back(SignLast(value) >> plan.right_bits);
    plan.lefts_plan = PlanWords(plan.lefts, options);
    plan.bytes = 2 + plan.lefts_plan.bytes + PackedBytes(values.size(), plan.right_bits);
    if (plan.bytes < best.bytes) best = std::move(plan);
  }
  return best;
}

void WriteSplit(std::span<const double> values, const SplitPlan& plan, std::string& out) {
  out.push_back(static_cast<char>(CodecId::kFloatSplit));
  out.push_back(static_cast<char>(plan.right_bits));
  WriteWords(plan.lefts, plan.lefts_plan, out);
  std::vector<uint64_t> rights;
  rights.reserve(values.size());
  for (const double value : values) rights.push_back(SignLast(value));
  PackBits(rights, plan.right_bits, out);
}

absl::Status DecodeSplit(base::ByteReader& in, std::span<double> out) {
  uint8_t right_bits;
  if (!in.GetFixed(&right_bits) || right_bits == 0 || right_bits > 63) {
    return base::DataLoss("malformed split: offset=", in.offset());
  }
  Halves halves;
  RETURN_IF_ERROR(DecodeWords(in, {halves.lefts.data(), out.size()}));
  std::string_view packed;
  if (!in.GetBytes(PackedBytes(out.size(), right_bits), &packed)) {
    return base::DataLoss("split ends early: offset=", in.offset());
  }
  UnpackBits(packed.data(), right_bits, {halves.rights.data(), out.size()});
  for (size_t i = 0; i < out.size(); ++i) {
    const uint64_t word = (halves.lefts[i] << right_bits) | halves.rights[i];
    out[i] = std::bit_cast<double>(std::rotr(word, 1));
  }
  return absl::OkStatus();
}

}  // namespace varve::tsm::codec
