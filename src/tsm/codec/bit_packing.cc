#include "tsm/codec/bit_packing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace varve::tsm::codec {
namespace {

constexpr size_t kGroup = 64;

constexpr uint64_t MaskOf(unsigned width) {
  return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

// Value `I` of a group. One load at the byte where the value begins, moved back near the end of the
// group so that it stays inside; wide values that straddle eight bytes take a second load.
template <unsigned W, size_t I>
inline uint64_t Extract(const char* in) {
  constexpr size_t kBit = I * W;
  constexpr size_t kByte = std::min(kBit / 8, size_t{8} * W - 8);
  constexpr unsigned kShift = kBit - kByte * 8;
  if constexpr (kShift + W <= 64) {
    return (base::LoadFixed<uint64_t>(in + kByte) >> kShift) & MaskOf(W);
  } else {
    const uint64_t low = base::LoadFixed<uint64_t>(in + kByte) >> kShift;
    const uint64_t high = static_cast<uint8_t>(in[kByte + 8]);
    return (low | (high << (64 - kShift))) & MaskOf(W);
  }
}

template <unsigned W>
void UnpackGroups(const char* in, size_t groups, uint64_t* out) {
  if constexpr (W == 0) {
    std::fill_n(out, groups * kGroup, 0);
  } else if constexpr (W == 64) {
    std::memcpy(out, in, groups * kGroup * 8);
  } else {
    for (size_t g = 0; g < groups; ++g) {
      [&]<size_t... I>(std::index_sequence<I...>) {
        ((out[I] = Extract<W, I>(in)), ...);
      }(std::make_index_sequence<kGroup>{});
      in += 8 * W;
      out += kGroup;
    }
  }
}

using Unpacker = void (*)(const char*, size_t, uint64_t*);

constexpr auto kUnpackers = []<size_t... W>(std::index_sequence<W...>) {
  return std::array<Unpacker, 65>{&UnpackGroups<W>...};
}(std::make_index_sequence<65>{});

}  // namespace

void PackBits(std::span<const uint64_t> values, unsigned width, std::string& out) {
  DCHECK_LE(width, 64U);
  const size_t start = out.size();
  const size_t bytes = PackedBytes(values.size(), width);
  if (bytes == 0) return;
  out.resize(start + bytes);
  char* to = out.data() + start;
  const char* const end = to + bytes;
  const uint64_t mask = MaskOf(width);
  uint64_t pending = 0;
  unsigned filled = 0;
  for (const uint64_t raw : values) {
    const uint64_t value = raw & mask;
    pending |= value << filled;
    if (filled + width >= 64) {
      std::memcpy(to, &pending, 8);
      to += 8;
      const unsigned used = 64 - filled;
      pending = used == 64 ? 0 : value >> used;
      filled = filled + width - 64;
    } else {
      filled += width;
    }
  }
  std::memcpy(to, &pending, static_cast<size_t>(end - to));
}

void UnpackBits(const char* in, unsigned width, std::span<uint64_t> out) {
  DCHECK_LE(width, 64U);
  if (out.empty()) return;
  const size_t groups = out.size() / kGroup;
  kUnpackers[width](in, groups, out.data());
  const size_t rest = out.size() % kGroup;
  if (rest == 0) return;
  char tail[kGroup * 8] = {};
  uint64_t values[kGroup];
  std::memcpy(tail, in + groups * 8 * width, PackedBytes(rest, width));
  kUnpackers[width](tail, 1, values);
  std::copy_n(values, rest, out.data() + groups * kGroup);
}

}  // namespace varve::tsm::codec
