#include "model/line_marks.h"

#include <hwy/highway.h>

#include <bit>

#include "base/coding.h"

namespace varve::model {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlockBytes = 64;

// Sets bit i of the result when block[i] is a mark. One table look-up by the low half of each byte
// yields the one mark with that half, if any; the backslash shares its half with the comma and is
// compared on its own. (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", section 3.1.)
inline uint64_t MarkBits(const char* block) {
  const hn::FixedTag<uint8_t, 16> d;
  HWY_ALIGN static constexpr uint8_t kByLowHalf[16] = {' ', 0, '"',  0, 0,   0,   0, 0,
                                                       0,   0, '\n', 0, ',', '=', 0, 0};
  const auto table = hn::Load(d, kByLowHalf);
  const auto low_half = hn::Set(d, uint8_t{0x0f});
  const auto backslash = hn::Set(d, uint8_t{'\\'});
  uint64_t bits = 0;
  for (size_t i = 0; i < kBlockBytes / 16; ++i) {
    const auto bytes = hn::LoadU(d, reinterpret_cast<const uint8_t*>(block) + 16 * i);
    const auto candidate = hn::TableLookupBytes(table, hn::And(bytes, low_half));
    const auto found = hn::Or(hn::Eq(candidate, bytes), hn::Eq(bytes, backslash));
    uint8_t mask[8] = {};
    hn::StoreMaskBits(d, found, mask);
    bits |= uint64_t{base::LoadFixed<uint16_t>(mask)} << (16 * i);
  }
  return bits;
}

}  // namespace

size_t FindMarks(const char* text, size_t size, uint32_t* marks) {
  uint32_t* const first = marks;
  for (size_t at = 0; at < size; at += kBlockBytes) {
    uint64_t bits = MarkBits(text + at);
    if (size - at < kBlockBytes) bits &= (uint64_t{1} << (size - at)) - 1;
    const auto base = static_cast<uint32_t>(at);
    for (; bits != 0; bits &= bits - 1) {
      *marks++ = base + static_cast<uint32_t>(std::countr_zero(bits));
    }
  }
  return static_cast<size_t>(marks - first);
}

size_t FindMarksByByte(const char* text, size_t size, uint32_t* marks) {
  size_t count = 0;
  for (size_t i = 0; i < size; ++i) {
    switch (text[i]) {
      case ',':
      case '=':
      case ' ':
      case '\n':
      case '"':
      case '\\':
        marks[count++] = static_cast<uint32_t>(i);
        break;
      default:
        break;
    }
  }
  return count;
}

}  // namespace varve::model
