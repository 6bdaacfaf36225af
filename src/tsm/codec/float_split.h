// Doubles of full precision: the part that repeats as a word stream, the noise below it packed as
// it is.
//
// Source: ALP_RD (Afroozeh, Kuffo and Boncz, "ALP: Adaptive Lossless floating-Point Compression",
// SIGMOD 2023, section 3.4). The left part, there looked up in a dictionary of eight, here goes
// through the integer core, which has a dictionary among its candidates, and patches, differences
// and entropy coding. The sign goes to the right, so that the exponents of values around zero stay
// together. Bytes: docs/format.md, "Float blocks".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec/word_plan.h"

namespace varve::tsm::codec {

struct SplitPlan {
  unsigned right_bits = 0;
  std::vector<uint64_t> lefts;
  WordPlan lefts_plan;
  size_t bytes = 0;  // exactly what WriteSplit() will append
};

SplitPlan PlanSplit(std::span<const double> values, const EncodeOptions& options);
// Writes the whole block, its codec number included.
void WriteSplit(std::span<const double> values, const SplitPlan& plan, std::string& out);
// Reads what follows the codec number. DATA_LOSS if it is short or malformed.
absl::Status DecodeSplit(base::ByteReader& in, std::span<double> out);

}  // namespace varve::tsm::codec
