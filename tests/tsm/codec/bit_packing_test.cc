#include "tsm/codec/bit_packing.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/tsm/codec/coded_column.h"

namespace varve::tsm::codec {
namespace {

uint64_t BitsAt(std::string_view bytes, size_t at, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[(at + i) / 8]);
    value |= static_cast<uint64_t>((byte >> ((at + i) % 8)) & 1) << i;
  }
  return value;
}

TEST(BitPackingTest, EveryWidthAndManyCounts) {
  std::mt19937_64 random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t n : {0, 1, 2, 63, 64, 65, 127, 128, 200}) {
      const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
      std::vector<uint64_t> values;
      for (size_t i = 0; i < n; ++i) values.push_back(random());
      std::string out = "kept";
      PackBits(values, width, out);
      ASSERT_EQ(out.size(), 4 + PackedBytes(n, width));
      const samples::ExactBytes packed(std::string_view(out).substr(4));
      std::vector<uint64_t> unpacked(n, 1);
      UnpackBits(packed.view().data(), width, unpacked);
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(unpacked[i], values[i] & mask) << "width " << width << " at " << i;
        ASSERT_EQ(BitsAt(packed.view(), i * width, width), values[i] & mask);
      }
    }
  }
}

}  // namespace
}  // namespace varve::tsm::codec
