#include "query/keyed_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace varve::query {
namespace {

// Sorts rows of these keys, and expects what a stable sort makes of them.
void ExpectSorted(const std::vector<uint64_t>& keys) {
  KeyedRows rows;
  for (const uint64_t key : keys) {
    const auto row = static_cast<uint32_t>(rows.size());
    rows.push_back({key, row, row ^ 5});
  }
  KeyedRows expected = rows;
  std::stable_sort(expected.begin(), expected.end(),
                   [](const KeyedRow& a, const KeyedRow& b) { return a.key < b.key; });
  KeyedRows room;
  SortByKey(rows, room);
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].row, expected[i].row) << "place " << i << " of " << keys.size();
    ASSERT_EQ(rows[i].input, expected[i].input);
  }
}

TEST(KeyedRowsTest, SortsKeysOfAllSizes) {
  std::mt19937_64 random(20261201);
  for (int round = 0; round < 200; ++round) {
    const unsigned shift = static_cast<unsigned>(random() % 64);
    constexpr uint64_t kUnits[] = {1, 7, 1'000'000'000, 10'000'000'000, uint64_t{1} << 40};
    const uint64_t unit = kUnits[random() % std::size(kUnits)];
    std::vector<uint64_t> keys(random() % 300);
    for (uint64_t& key : keys) key = (random() >> shift) / unit * unit;
    // One that no unit divides.
    if (round % 3 == 0 && !keys.empty()) keys[random() % keys.size()] = random() >> shift;
    ExpectSorted(keys);
  }
}

TEST(KeyedRowsTest, SortsWhatHasNoDigits) {
  ExpectSorted({});
  ExpectSorted({0, 0, 0});
  ExpectSorted({UINT64_MAX, 0, UINT64_MAX, UINT64_MAX - 1});
  ExpectSorted({uint64_t{1} << 53, (uint64_t{1} << 53) + 1, (uint64_t{1} << 53) - 1});
}

}  // namespace
}  // namespace varve::query
