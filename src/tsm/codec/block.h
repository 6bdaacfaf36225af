// The codecs of whole blocks by type, each writing its CodecId first. tsm/codec.h is their facade.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec.h"

namespace varve::tsm::codec {

// Each decoder reads one block from `in` and may leave bytes behind it; DATA_LOSS if it is short or
// malformed. `wanted`: as in tsm/codec.h.

void EncodeFloatBlock(std::span<const double> values, const EncodeOptions& options,
                      std::string& out);
absl::Status DecodeFloatBlock(base::ByteReader& in, std::span<double> out, size_t wanted,
                              GroupPlace grouped);
// As AddWords() (words.h).
bool AddFloatBlock(base::ByteReader in, size_t count, size_t wanted, EntropyGroup& group);

void EncodeBooleanBlock(std::span<const uint8_t> values, const EncodeOptions& options,
                        std::string& out);
absl::Status DecodeBooleanBlock(base::ByteReader& in, std::span<uint8_t> out);

void EncodeStringBlock(std::span<const std::string_view> values, const EncodeOptions& options,
                       std::string& out);
absl::Status DecodeStringBlock(base::ByteReader& in, std::span<std::string_view> out,
                               std::string& text);

}  // namespace varve::tsm::codec
