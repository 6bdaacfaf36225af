// Compresses the values of one block. The facade over the codecs, one small module each.
//
// An encoded block is a codec byte and that codec's bytes (docs/format.md, "Blocks"); the value
// count is not in it and must be given to decode. Encoders choose the codec from the exact cost of
// each candidate, in one pass over a histogram, with no trial encoding. Nulls are not values: the
// caller leaves them out. Every encoder appends to `out` and keeps what is there.
//
// Every decoder takes exactly the bytes one encode call appended, and out.size() equal to the
// count. DATA_LOSS, naming the byte offset within the block, if the bytes are short, long or
// malformed; `out` is then unspecified. Reads nothing outside `block`, whatever its bytes. Those of
// numbers may be told that only the first `wanted` values are needed: the others are unspecified
// then, and what is malformed among them may go unseen.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace varve::tsm {

// A block has 1 to this many values.
inline constexpr size_t kMaxBlockValues = 8192;

struct EncodeOptions {
  // Cold files spend CPU for size: entropy coding of residuals where it saves 5 %, and more effort
  // of Zstandard.
  bool cold = false;
};

namespace codec {
class EntropyGroup;  // tsm/codec/entropy_group.h
}

// Where a block of numbers is decoded beside others, which takes half the time: add blocks to a
// group, have the group decode what they share, and then decode each with its place.
struct GroupPlace {
  const codec::EntropyGroup* group = nullptr;  // null: the block is decoded by itself
  size_t place = 0;
};

// Strictly ascending times.
void EncodeTimes(std::span<const int64_t> times, const EncodeOptions& options, std::string& out);
absl::Status DecodeTimes(std::string_view block, std::span<int64_t> out);

// Any bit patterns; they round-trip bit for bit, NaN included.
void EncodeFloats(std::span<const double> values, const EncodeOptions& options, std::string& out);
absl::Status DecodeFloats(std::string_view block, std::span<double> out, size_t wanted = SIZE_MAX,
                          GroupPlace grouped = {});

void EncodeIntegers(std::span<const int64_t> values, const EncodeOptions& options,
                    std::string& out);
absl::Status DecodeIntegers(std::string_view block, std::span<int64_t> out,
                            size_t wanted = SIZE_MAX, GroupPlace grouped = {});

void EncodeUnsigneds(std::span<const uint64_t> values, const EncodeOptions& options,
                     std::string& out);
absl::Status DecodeUnsigneds(std::string_view block, std::span<uint64_t> out,
                             size_t wanted = SIZE_MAX, GroupPlace grouped = {});

// Adds a block to a group with room; takes what the decoder will be given. False, and nothing is
// added: it cannot be decoded beside others, or is unlike those before it.
bool AddFloats(std::string_view block, size_t count, size_t wanted, codec::EntropyGroup& group);
// Of integers or unsigneds.
bool AddIntegers(std::string_view block, size_t count, size_t wanted, codec::EntropyGroup& group);

// 0 or 1.
void EncodeBooleans(std::span<const uint8_t> values, const EncodeOptions& options,
                    std::string& out);
absl::Status DecodeBooleans(std::string_view block, std::span<uint8_t> out);

// The decoded views borrow `block` or `text`, which is replaced; at most kMaxDecodedTextBytes.
inline constexpr size_t kMaxDecodedTextBytes = size_t{1} << 30;
void EncodeStrings(std::span<const std::string_view> values, const EncodeOptions& options,
                   std::string& out);
absl::Status DecodeStrings(std::string_view block, std::span<std::string_view> out,
                           std::string& text);

// "delta", "decimal+delta", "split+packed", "dictionary", ... of the codec an encoded block begins
// with, for varve inspect and the benchmarks. `block` may be any bytes ("unknown").
std::string CodecName(std::string_view block);

}  // namespace varve::tsm
