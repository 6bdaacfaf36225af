#include "tsm/tombstone.h"

#include <gtest/gtest.h>

namespace varve::tsm {
namespace {

Tombstone Make(uint64_t sequence, int64_t min_ns, int64_t max_ns,
               std::vector<model::SeriesId> series) {
  return {sequence,
          {min_ns, max_ns},
          std::make_shared<const std::vector<model::SeriesId>>(std::move(series))};
}

using Ranges = std::vector<model::TimeRange>;

TEST(TombstoneTest, CoversExactlyItsSeries) {
  const Tombstone tombstone = Make(1, 0, 9, {2, 5, 9});
  for (model::SeriesId id = 0; id < 12; ++id) {
    EXPECT_EQ(tombstone.Covers(id), id == 2 || id == 5 || id == 9) << id;
  }
  EXPECT_FALSE(Tombstone().Covers(0));
}

TEST(TombstoneTest, AppliesToDataOfEqualOrLesserSequence) {
  const std::vector<Tombstone> tombstones = {Make(5, 10, 20, {1})};
  Ranges ranges;
  DeletedRanges(tombstones, 1, 5, &ranges);
  EXPECT_EQ(ranges, Ranges({{10, 20}}));
  DeletedRanges(tombstones, 1, 6, &ranges);
  EXPECT_TRUE(ranges.empty());
  DeletedRanges(tombstones, 2, 1, &ranges);
  EXPECT_TRUE(ranges.empty());
}

TEST(TombstoneTest, JoinsRangesThatOverlapOrTouch) {
  const std::vector<Tombstone> tombstones = {Make(5, 50, 60, {1}), Make(6, 10, 20, {1}),
                                             Make(7, 21, 30, {1}), Make(8, 15, 18, {1}),
                                             Make(9, 32, 31, {1}),  // empty
                                             Make(9, 58, 90, {1}), Make(4, 0, 1000, {1})};
  Ranges ranges = {{1, 2}};
  DeletedRanges(tombstones, 1, 5, &ranges);
  EXPECT_EQ(ranges, Ranges({{10, 30}, {50, 90}}));
}

TEST(TombstoneTest, TheWholeOfTimeDoesNotOverflow) {
  const std::vector<Tombstone> tombstones = {Make(1, INT64_MIN, INT64_MAX, {1}),
                                             Make(1, INT64_MIN, 0, {1}),
                                             Make(1, INT64_MAX, INT64_MAX, {1})};
  Ranges ranges;
  DeletedRanges(tombstones, 1, 1, &ranges);
  EXPECT_EQ(ranges, Ranges({{INT64_MIN, INT64_MAX}}));
}

}  // namespace
}  // namespace varve::tsm
