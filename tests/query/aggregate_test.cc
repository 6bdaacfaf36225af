#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "query/functions/function.h"

namespace varve::query {
namespace {

using model::ColumnBuffer;
using model::FieldType;
using model::FieldValue;

struct Row {
  int64_t time;
  FieldValue value;
  uint32_t slot;
};

// Feeds rows, in order, to an aggregator: a batch for each change of slot.
std::unique_ptr<Aggregator> Feed(const Function& function, FieldType type,
                                 const AggregateOptions& options, const std::vector<Row>& rows,
                                 size_t slots) {
  auto aggregator = function.make(type, options);
  aggregator->Resize(slots);
  for (size_t i = 0; i < rows.size();) {
    size_t end = i;
    while (end < rows.size() && rows[end].slot == rows[i].slot) ++end;
    ColumnBuffer column;
    column.Reset(type);
    std::vector<int64_t> times;
    for (size_t r = i; r < end; ++r) {
      column.Append(rows[r].value);
      times.push_back(rows[r].time);
    }
    const Run run{0, static_cast<uint32_t>(times.size()), rows[i].slot};
    aggregator->Update({times.data(), column.View(), {}}, std::span(&run, 1));
    i = end;
  }
  return aggregator;
}

Points EmitAll(const Aggregator& aggregator, size_t slots) {
  Points points;
  for (uint32_t slot = 0; slot < slots; ++slot) aggregator.Emit(slot, 1000 + slot, &points);
  return points;
}

std::vector<Row> RandomRows(std::mt19937_64& random, FieldType type, size_t slots) {
  std::vector<Row> rows;
  int64_t time = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    const size_t n = random() % 40;
    for (size_t i = 0; i < n; ++i) {
      time += 1 + static_cast<int64_t>(random() % 5);
      const auto whole = static_cast<int64_t>(random() % 12) - 6;
      FieldValue value = type == FieldType::kInteger
                             ? FieldValue::Integer(whole)
                             : FieldValue::Float(static_cast<double>(whole) / 4);
      if (random() % 7 == 0) value = {};
      rows.push_back({time, value, slot});
    }
  }
  return rows;
}

const Function& FunctionOf(std::string_view name) {
  const Function& function = *FindFunction(name == "count_distinct" ? "count" : name);
  return name == "count_distinct" ? *function.of_distinct : function;
}

FieldValue One(std::string_view name, const std::vector<double>& values) {
  std::vector<Row> rows;
  for (const double v : values) {
    rows.push_back({static_cast<int64_t>(rows.size()), FieldValue::Float(v), 0});
  }
  AggregateOptions options;
  options.percentile = 50;
  const auto aggregator = Feed(FunctionOf(name), FieldType::kFloat, options, rows, 1);
  const Points points = EmitAll(*aggregator, 1);
  return points.size() == 1 ? points.values[0] : FieldValue();
}

TEST(AggregateTest, Moments) {
  EXPECT_EQ(One("sum", {1, 2, 4.5}), FieldValue::Float(7.5));
  EXPECT_EQ(One("mean", {1, 2, 6}), FieldValue::Float(3));
  EXPECT_EQ(One("count", {1, 2, 6}), FieldValue::Integer(3));
  EXPECT_EQ(One("spread", {3, 1, 6}), FieldValue::Float(5));
  EXPECT_NEAR(One("stddev", {1, 2, 3, 4}).as_float(), 1.2909944487358056, 1e-12);
}

TEST(AggregateTest, StddevOfOneValueIsNoNumber) {
  const std::vector<Row> rows = {{1, FieldValue::Float(5), 0}};
  const auto aggregator = Feed(FunctionOf("stddev"), FieldType::kFloat, {}, rows, 1);
  const Points points = EmitAll(*aggregator, 1);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_TRUE(std::isnan(points.values[0].as_float()));
}

TEST(AggregateTest, OrderStatistics) {
  EXPECT_EQ(One("median", {5, 1, 3}), FieldValue::Float(3));
  EXPECT_EQ(One("median", {5, 1, 3, 4}), FieldValue::Float(3.5));
  EXPECT_EQ(One("percentile", {5, 1, 3, 4}), FieldValue::Float(3));
  EXPECT_EQ(One("mode", {5, 1, 1, 5, 2}), FieldValue::Float(5));
}

TEST(AggregateTest, SelectorsKeepTheEarliestOfEqualValues) {
  const std::vector<Row> rows = {{3, FieldValue::Integer(2), 0},
                                 {5, FieldValue::Integer(7), 0},
                                 {8, FieldValue::Integer(7), 0},
                                 {9, FieldValue::Integer(2), 0}};
  for (const auto& [name, time] :
       std::map<std::string, int64_t>{{"max", 5}, {"min", 3}, {"first", 3}, {"last", 9}}) {
    const auto aggregator = Feed(FunctionOf(name), FieldType::kInteger, {}, rows, 1);
    EXPECT_EQ(EmitAll(*aggregator, 1).times.at(0), time) << name;
  }
}

TEST(AggregateTest, TextsHaveNoSum) {
  for (const char* name :
       {"sum", "mean", "median", "spread", "stddev", "min", "max", "percentile", "top", "bottom"}) {
    EXPECT_EQ(FunctionOf(name).make(FieldType::kString, {}), nullptr) << name;
  }
  for (const char* name : {"count", "first", "last", "mode", "distinct", "sample"}) {
    EXPECT_NE(FunctionOf(name).make(FieldType::kString, {}), nullptr) << name;
  }
}

TEST(AggregateTest, TopKeepsTheBestAndAnswersByTime) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < 100; ++i) rows.push_back({i, FieldValue::Integer((i * 37) % 100), 0});
  AggregateOptions options;
  options.n = 3;
  const Points points = EmitAll(*Feed(FunctionOf("top"), FieldType::kInteger, options, rows, 1), 1);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_TRUE(std::is_sorted(points.times.begin(), points.times.end()));
  std::set<int64_t> values;
  for (const FieldValue& value : points.values) values.insert(value.as_integer());
  EXPECT_EQ(values, (std::set<int64_t>{97, 98, 99}));
}

// Splitting the rows of every slot over two parts and merging them gives what one pass gives.
TEST(AggregateTest, PropertyPartsMergeToTheWhole) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    const size_t slots = 1 + random() % 5;
    const FieldType type = random() % 2 == 0 ? FieldType::kInteger : FieldType::kFloat;
    const std::vector<Row> rows = RandomRows(random, type, slots);
    std::vector<Row> parts[2];
    for (const Row& row : rows) parts[random() % 2].push_back(row);
    std::vector<uint32_t> same(slots);
    for (uint32_t i = 0; i < slots; ++i) same[i] = i;
    AggregateOptions options;
    options.n = 4;
    options.percentile = 70;
    for (const char* name :
         {"count", "sum", "mean", "min", "max", "first", "last", "spread", "median", "percentile",
          "mode", "distinct", "count_distinct", "top", "bottom", "stddev"}) {
      const Function& function = FunctionOf(name);
      const Points whole = EmitAll(*Feed(function, type, options, rows, slots), slots);
      const auto merged = Feed(function, type, options, parts[0], slots);
      merged->Merge(*Feed(function, type, options, parts[1], slots), same);
      const Points together = EmitAll(*merged, slots);
      ASSERT_EQ(whole.times, together.times) << name << " seed " << seed;
      for (size_t i = 0; i < whole.size(); ++i) {
        const FieldValue& a = whole.values[i];
        const FieldValue& b = together.values[i];
        if (a.type() == FieldType::kFloat && b.type() == FieldType::kFloat) {
          if (std::isnan(a.as_float()) && std::isnan(b.as_float())) continue;
          ASSERT_NEAR(a.as_float(), b.as_float(), 1e-9) << name << " seed " << seed;
        } else {
          ASSERT_EQ(a, b) << name << " seed " << seed;
        }
      }
    }
  }
}

}  // namespace
}  // namespace varve::query
