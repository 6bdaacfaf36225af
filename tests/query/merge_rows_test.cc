#include "query/merge_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace varve::query {
namespace {

using model::FieldValue;

// One row per element: its time and the series it came from.
using Rows = std::vector<std::pair<int64_t, int64_t>>;

class MergeRowsTest : public testing::Test {
 protected:
  MergeRowsTest() { context_.environment = &environment_; }

  // `series` series with random times, in the order of the answer; the value is the series' number.
  void Fill(uint64_t seed, size_t series, bool ascending) {
    std::mt19937_64 random(seed);
    auto table = std::make_shared<Table>();
    table->columns = {"v"};
    table->ascending = ascending;
    expected_.clear();
    for (size_t s = 0; s < series; ++s) {
      std::vector<int64_t> times(random() % 60);
      for (int64_t& t : times) t = static_cast<int64_t>(random() % 2000);
      std::sort(times.begin(), times.end());
      times.erase(std::unique(times.begin(), times.end()), times.end());
      if (!ascending) std::reverse(times.begin(), times.end());
      const size_t begin = table->times.size();
      for (const int64_t t : times) {
        table->times.push_back(t);
        table->values.push_back(FieldValue::Integer(static_cast<int64_t>(s)));
        expected_.emplace_back(t, s);
      }
      table->series.push_back({"m", {}, begin, table->times.size()});
    }
    std::sort(expected_.begin(), expected_.end(), [&](const auto& a, const auto& b) {
      if (a.first != b.first) return ascending ? a.first < b.first : a.first > b.first;
      return a.second < b.second;
    });
    grouped_ = GroupedSources();
    grouped_.sources.push_back(MakeTableSource(table, "m", nullptr));
    Group group;
    group.name = "m";
    for (uint32_t s = 0; s < grouped_.sources[0]->series_count(); ++s) {
      grouped_.members.push_back({0, s});
    }
    group.members = grouped_.members;
    grouped_.groups.push_back(group);
    request_.descending = !ascending;
    request_.columns = {{"v", DataType::kInteger}};
  }

  static Rows ReadAll(RowMerger& merger) {
    Rows rows;
    while (true) {
      RowBlock block;
      EXPECT_TRUE(merger.Next(&block).ok());
      if (block.rows == 0) return rows;
      for (size_t i = 0; i < block.rows; ++i) {
        rows.emplace_back(block.times[i], block.values[i].as_integer());
      }
    }
  }

  Executor::Environment environment_;
  SelectContext context_;
  QueryState query_{context_};
  GroupedSources grouped_;
  ReadRequest request_;
  Rows expected_;
};

TEST_F(MergeRowsTest, PropertyEveryMergerSortsByTimeThenSeries) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Fill(seed, 1 + seed % 30, seed % 2 == 0);
    const Group& group = grouped_.groups[0];
    auto merger = RowMerger::Make(grouped_, group, request_, 0, query_);
    ASSERT_EQ(ReadAll(*merger), expected_) << "seed " << seed;
    auto slices = MakeSliceMerger(grouped_, group, request_, 0, query_);
    ASSERT_EQ(ReadAll(*slices), expected_) << "seed " << seed;
  }
}

TEST_F(MergeRowsTest, ASliceMergerThatNeedsFewRowsStillGivesTheFirst) {
  Fill(3, 3000, true);
  auto merger = MakeSliceMerger(grouped_, grouped_.groups[0], request_, 10, query_);
  const Rows rows = ReadAll(*merger);
  ASSERT_GE(rows.size(), 10u);
  EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + 10, expected_.begin()));
}

TEST_F(MergeRowsTest, TextsOrderRowsOfOneInstant) {
  const FieldValue a[] = {FieldValue::String("a"), FieldValue::String("z")};
  const FieldValue b[] = {FieldValue::String("a"), FieldValue::String("b")};
  const FieldValue number[] = {FieldValue::Float(1), FieldValue::String("a")};
  EXPECT_GT(CompareTexts(a, b, 2), 0);
  EXPECT_LT(CompareTexts(b, a, 2), 0);
  EXPECT_EQ(CompareTexts(a, b, 1), 0);
  EXPECT_EQ(CompareTexts(number, a, 2), 0);
}

}  // namespace
}  // namespace varve::query
