// Texts behind each other: their lengths as a word stream, then their bytes, plain or compressed
// with Zstandard (RFC 8878). Bytes: docs/format.md, "String blocks".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec.h"

namespace varve::tsm::codec {

// Appends 1 to kMaxBlockValues texts. Compresses when that saves 15 %.
void WriteTexts(std::span<const std::string_view> texts, const EncodeOptions& options,
                std::string& out);

// Reads out.size() texts. The views borrow the bytes of `in`, or `room`, which is replaced when
// they were compressed. DATA_LOSS if they are short, malformed or more than kMaxDecodedTextBytes.
absl::Status ReadTexts(base::ByteReader& in, std::span<std::string_view> out, std::string& room);

}  // namespace varve::tsm::codec
