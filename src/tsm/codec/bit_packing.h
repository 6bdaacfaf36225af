// Packs integers of a fixed bit width into a contiguous stream of bits.
//
// Value i takes the bits [i * width, (i + 1) * width), counted from the low bit of the first byte;
// the last byte is filled up with zeros. The kernels are generated per width and work on groups of
// 64 values, which take exactly 8 * width bytes, so that shifts and masks are constants.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace varve::tsm::codec {

// Bytes that `count` values of `width` bits take. width is 0 to 64.
constexpr size_t PackedBytes(size_t count, unsigned width) { return (count * width + 7) / 8; }

// Bits that a position within `count` (1 or more) values takes.
constexpr unsigned PositionWidth(size_t count) {
  return static_cast<unsigned>(std::bit_width(count - 1));
}

// Appends the packed `values`; bits above `width` are dropped. Exactly PackedBytes() bytes.
void PackBits(std::span<const uint64_t> values, unsigned width, std::string& out);

// Unpacks out.size() values.
//   in  at least PackedBytes(out.size(), width) bytes; nothing behind them is read.
void UnpackBits(const char* in, unsigned width, std::span<uint64_t> out);

}  // namespace varve::tsm::codec
