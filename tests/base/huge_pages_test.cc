#include "base/huge_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace varve::base {
namespace {

TEST(HugePagesTest, VectorsKeepTheirValuesAsTheyGrow) {
  std::vector<uint64_t, HugePageAllocator<uint64_t>> numbers;
  constexpr uint64_t kCount = 3 << 20;  // 24 MiB: from the heap at first, then in pages
  for (uint64_t i = 0; i < kCount; ++i) numbers.push_back(i * i);
  for (uint64_t i = 0; i < kCount; i += 1009) ASSERT_EQ(numbers[i], i * i);
  const auto copy = numbers;
  EXPECT_EQ(copy, numbers);
}

TEST(HugePagesTest, LargeRoomsBeginAtAPage) {
  constexpr size_t kPage = size_t{2} << 20;
  for (const size_t bytes : {4 * kPage, 4 * kPage + 1, 9 * kPage - 1}) {
    char* const room = static_cast<char*>(AllocateHuge(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(room) % kPage, 0U);
    EXPECT_EQ(room[0], 0);
    room[bytes - 1] = 1;
    FreeHuge(room, bytes);
  }
}

}  // namespace
}  // namespace varve::base
