#include "query/go_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace varve::query {
namespace {

struct Item {
  int64_t value;
  int64_t place;  // before sorting
};
bool Less(const Item& a, const Item& b) { return a.value < b.value; }

// Items of a linear congruential generator (shape 0), ascending (1), descending (2), or ascending
// but for every 17th (3).
std::vector<Item> MakeItems(int64_t size, int64_t values, int shape) {
  std::vector<Item> items;
  auto state = static_cast<uint32_t>(size * 31 + values);
  for (int64_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    int64_t value = (state >> 16) % values;
    if (shape == 1 || (shape == 3 && i % 17 != 0)) value = i * values / size;
    if (shape == 2) value = (size - i) * values / size;
    items.push_back({value, i});
  }
  return items;
}

uint64_t HashOfPlaces(const std::vector<Item>& items) {
  uint64_t hash = 14695981039346656037u;
  for (const Item& item : items) {
    hash = (hash ^ static_cast<uint64_t>(item.place)) * 1099511628211u;
  }
  return hash;
}

struct Recorded {
  int64_t size;
  int64_t values;
  int shape;
  uint64_t hash;
};

// Recorded from sort.Sort of Go 1.19's algorithm.
constexpr Recorded kRecorded[] = {
    {12, 2, 0, 0xf6744d4b41140cfbu},    {12, 2, 1, 0x2d7d4819416d7fb9u},
    {12, 2, 2, 0x36ec4f6cd2f9fe7bu},    {12, 2, 3, 0x2d7d4819416d7fb9u},
    {12, 50, 0, 0x827d8a0392bf1489u},   {12, 50, 1, 0x2d7d4819416d7fb9u},
    {12, 50, 2, 0xa033525a4dc863f9u},   {12, 50, 3, 0x5630544f3486b973u},
    {13, 2, 0, 0x1cd27a52bf757e87u},    {13, 2, 1, 0xb96137ea2d10008fu},
    {13, 2, 2, 0x61c087b89cb86dd9u},    {13, 2, 3, 0xdcb362720ed40103u},
    {13, 50, 0, 0xa2fa6a242a774ccfu},   {13, 50, 1, 0xb96137ea2d10008fu},
    {13, 50, 2, 0x1d2fa5645d0dec3fu},   {13, 50, 3, 0xe41cf740ab9649d9u},
    {49, 2, 0, 0xf309b8ec2c174a73u},    {49, 2, 1, 0x360a5c9d3b1bf95fu},
    {49, 2, 2, 0x498ccae55e166239u},    {49, 2, 3, 0x360a5c9d3b1bf95fu},
    {49, 50, 0, 0xeb7802f55b3f96b3u},   {49, 50, 1, 0x360a5c9d3b1bf95fu},
    {49, 50, 2, 0x33bb9373b5503e3fu},   {49, 50, 3, 0xd6fe0549d9dd8a07u},
    {50, 2, 0, 0xf1e2f6a9e3636d30u},    {50, 2, 1, 0xef94cd2b7088d5eau},
    {50, 2, 2, 0x49e04a13482846fcu},    {50, 2, 3, 0xdf2b4d78bf434362u},
    {50, 50, 0, 0xec91ba6f2a9e4a0u},    {50, 50, 1, 0xef94cd2b7088d5eau},
    {50, 50, 2, 0x3420ad05be53744u},    {50, 50, 3, 0xdcbfef4e86170260u},
    {200, 2, 0, 0x7510b583b52164b9u},   {200, 2, 1, 0x43cfa8023695d3bdu},
    {200, 2, 2, 0xe05e2801e3cbc257u},   {200, 2, 3, 0x2844be2e6eb82381u},
    {200, 50, 0, 0xe2ce42948e1c92c7u},  {200, 50, 1, 0x43cfa8023695d3bdu},
    {200, 50, 2, 0x921e014b33c5eeb7u},  {200, 50, 3, 0xcb30747861510c33u},
    {5000, 2, 0, 0xa5e71af7ebd559c5u},  {5000, 2, 1, 0x7405579c4bb800fdu},
    {5000, 2, 2, 0x33a0ec2f3c104b77u},  {5000, 2, 3, 0x84972cca6540d67fu},
    {5000, 50, 0, 0xd584d476ee09aef7u}, {5000, 50, 1, 0x7405579c4bb800fdu},
    {5000, 50, 2, 0x82265d681cfbea2du}, {5000, 50, 3, 0x4735f017ce888bc9u},
};

TEST(GoSortTest, LeavesEqualItemsWhereGoDoes) {
  for (const Recorded& recorded : kRecorded) {
    std::vector<Item> items = MakeItems(recorded.size, recorded.values, recorded.shape);
    GoSort(std::span(items), Less);
    EXPECT_EQ(HashOfPlaces(items), recorded.hash)
        << recorded.size << " items, " << recorded.values << " values, shape " << recorded.shape;
  }
}

TEST(GoSortTest, PropertySortsAnything) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Item> items(random() % 400);
    const uint64_t values = 1 + random() % 40;
    for (size_t i = 0; i < items.size(); ++i) {
      items[i] = {static_cast<int64_t>(random() % values), static_cast<int64_t>(i)};
    }
    std::vector<Item> expected = items;
    std::stable_sort(expected.begin(), expected.end(), Less);
    GoSort(std::span(items), Less);
    std::vector<bool> met(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      ASSERT_EQ(items[i].value, expected[i].value);
      ASSERT_FALSE(met[static_cast<size_t>(items[i].place)]);
      met[static_cast<size_t>(items[i].place)] = true;
    }
  }
}

}  // namespace
}  // namespace varve::query
