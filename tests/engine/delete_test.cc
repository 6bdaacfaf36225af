// Deletes: visible at once, replayed alike, and what they leave in the index.
#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class DeleteTest : public StoreFixture {
 protected:
  uint64_t SeriesCount(std::string_view measurement) {
    return View()->Match(measurement, index::TagPredicate::All()).Count();
  }
};

TEST_F(DeleteTest, CoversCacheAndFilesButNotLaterRows) {
  EXPECT_EQ(Write("m v=1 1\nm v=2 2\nm v=3 3"), "");
  Flush();
  EXPECT_EQ(Write("m v=20 2\nm v=40 4"), "");
  Delete({"m"}, {2, 3});
  EXPECT_EQ(Read(), "m 1 v=1\nm 4 v=40\n");
  EXPECT_EQ(Write("m v=5 2"), "");
  const std::string expected = "m 1 v=1\nm 2 v=5\nm 4 v=40\n";
  EXPECT_EQ(Read(), expected);
  CutPower();
  EXPECT_EQ(Read(), expected);
  Flush();
  EXPECT_EQ(Read(), expected);
  CutPower();
  EXPECT_EQ(Read(), expected);
  Compact();
  EXPECT_EQ(Read(), expected);
  CutPower();
  EXPECT_EQ(Read(), expected);
}

TEST_F(DeleteTest, OnlySeriesThatMatch) {
  EXPECT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 1\nn,t=a v=3 1"), "");
  Delete({"m"}, {}, index::TagPredicate::Compare(index::TagPredicate::Kind::kEqual, "t", "a"));
  EXPECT_EQ(Read(), "m,t=b 1 v=2\nn,t=a 1 v=3\n");
  EXPECT_EQ(SeriesCount("m"), 1u);
}

TEST_F(DeleteTest, ASeriesWithoutPointsLeavesTheIndexButItsTypesStay) {
  EXPECT_EQ(Write("m v=1 1\nm v=2 900\nm v=3 2000"), "");
  Flush();
  Delete({"m"}, {0, 500});
  EXPECT_EQ(SeriesCount("m"), 1u);
  Delete({"m"}, {0, 1000});
  EXPECT_EQ(Read(), "m 2000 v=3\n");
  Delete({"m"}, {0, 5000});
  EXPECT_EQ(SeriesCount("m"), 0u);
  EXPECT_EQ(Schema(), "");
  EXPECT_NE(Write("m v=1i 1"), "");
  Reopen();
  EXPECT_EQ(SeriesCount("m"), 1u);  // of the dropped point
  EXPECT_EQ(Read(), "");
}

TEST_F(DeleteTest, ASeriesComesBackWithItsNextPoint) {
  EXPECT_EQ(Write("m,t=a v=1 1"), "");
  Delete({"m"}, {});
  EXPECT_EQ(SeriesCount("m"), 0u);
  EXPECT_EQ(Write("m,t=a v=2 2"), "");
  EXPECT_EQ(SeriesCount("m"), 1u);
  CutPower();
  EXPECT_EQ(SeriesCount("m"), 1u);
  EXPECT_EQ(Read(), "m,t=a 2 v=2\n");
}

TEST_F(DeleteTest, DropSeriesKeepsTypesAndDropMeasurementForgetsThem) {
  EXPECT_EQ(Write("m v=1 1\nn v=1 1"), "");
  DropSeries({"m"});
  EXPECT_EQ(Read(), "n 1 v=1\n");
  EXPECT_NE(Write("m v=1i 1"), "");
  DropSeries({"n"}, /*drop_fields=*/true);
  EXPECT_EQ(Write("n v=1i 1"), "");
  EXPECT_EQ(Read(), "n 1 v=1i\n");
  CutPower();
  EXPECT_EQ(Read(), "n 1 v=1i\n");
  Flush();
  Reopen();
  EXPECT_EQ(Read(), "n 1 v=1i\n");
}

TEST_F(DeleteTest, CompactionForgetsTombstonesItApplied) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Write(base::StrCat("m v=1 ", round, "\nm v=2 ", 100 + round)), "");
    Flush();
  }
  Delete({"m"}, {0, 50});
  const std::string expected = "m 100 v=2\nm 101 v=2\nm 102 v=2\n";
  Compact();
  EXPECT_EQ(Read(), expected);
  EXPECT_EQ(FileCount(), 1u);
  Reopen();
  EXPECT_EQ(Read(), expected);
  Delete({"m"}, {});
  Compact();
  EXPECT_EQ(FileCount(), 0u);
  EXPECT_EQ(Read(), "");
}

}  // namespace
}  // namespace varve::engine
