#include "engine/cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/strings.h"
#include "engine/cache_rows.h"

namespace varve::engine {
namespace {

using model::FieldType;
using model::FieldValue;
using model::LayoutField;

class CacheTest : public testing::Test {
 protected:
  // Appends one record of one row: fields 0, 1, ... with the given values; nulls are left out.
  void Append(model::SeriesId series, int64_t time, const std::vector<FieldValue>& values) {
    std::vector<LayoutField> fields;
    std::vector<FieldValue> present;
    for (uint32_t i = 0; i < values.size(); ++i) {
      if (values[i].is_null()) continue;
      fields.push_back({i, values[i].type()});
      present.push_back(values[i]);
    }
    bool is_new;
    cache_.BeginRecord();
    cache_.Append(series, cache_.LayoutOf(fields, &is_new), time, present);
  }
  void Append(model::SeriesId series, int64_t time, double value) {
    Append(series, time, {FieldValue::Float(value)});
  }

  // "10=1,- 20=2,3": the times and values of the fields, as a view of `epoch` sees them.
  std::string Rows(model::SeriesId series, std::vector<FieldRequest> fields,
                   CacheEpoch epoch = kAllRecords) {
    const CacheSeries* found = cache_.Find(series);
    CacheRows rows;
    if (found == nullptr || !rows.Open(*found, epoch)) return "";
    std::string text;
    CacheColumns storage;
    model::ColumnBatch batch;
    for (size_t piece = 0; piece < rows.pieces().size(); ++piece) {
      rows.Load(piece, fields, &storage, &batch);
      for (size_t row = 0; row < batch.rows; ++row) {
        base::StrAppend(text, text.empty() ? "" : " ", batch.times[row], "=");
        for (size_t i = 0; i < fields.size(); ++i) {
          const FieldValue value = batch.columns[i].At(row);
          if (i > 0) text += ',';
          switch (value.type()) {
            case FieldType::kFloat:
              base::StrAppend(text, value.as_float());
              break;
            case FieldType::kInteger:
              base::StrAppend(text, value.as_integer(), "i");
              break;
            case FieldType::kString:
              base::StrAppend(text, "'", value.as_string(), "'");
              break;
            case FieldType::kBoolean:
              base::StrAppend(text, value.as_boolean());
              break;
            default:
              text += '-';
          }
        }
      }
    }
    return text;
  }

  std::shared_ptr<std::atomic<int64_t>> total_ = std::make_shared<std::atomic<int64_t>>(0);
  Cache cache_{1, total_};
};

TEST_F(CacheTest, FieldsThatComeAndGo) {
  Append(3, 10, {FieldValue::Float(1)});
  Append(3, 20, {FieldValue(), FieldValue::String("x")});
  Append(3, 30, {FieldValue::Float(2), FieldValue::String("y"), FieldValue::Boolean(true)});
  Append(3, 40, {FieldValue::Float(3)});
  EXPECT_EQ(Rows(3, {{0, FieldType::kFloat}, {1, FieldType::kString}, {2, FieldType::kBoolean}}),
            "10=1,-,- 20=-,'x',- 30=2,'y',true 40=3,-,-");
  EXPECT_EQ(Rows(3, {{9, FieldType::kFloat}}), "10=- 20=- 30=- 40=-");
  EXPECT_EQ(Rows(4, {{0, FieldType::kFloat}}), "");
}

TEST_F(CacheTest, LateRowsAreSortedAndTheLastValueOfATimeWins) {
  Append(0, 30, 3);
  Append(0, 10, {FieldValue::Float(1), FieldValue::Integer(7)});
  Append(0, 30, {FieldValue(), FieldValue::Integer(8)});
  Append(0, 10, 2);
  EXPECT_EQ(Rows(0, {{0, FieldType::kFloat}, {1, FieldType::kInteger}}), "10=2,7i 30=3,8i");
}

TEST_F(CacheTest, LateRowsOfEveryTypeAreWhatAMapHolds) {
  const std::vector<FieldRequest> fields = {{0, FieldType::kFloat},
                                            {1, FieldType::kInteger},
                                            {2, FieldType::kBoolean},
                                            {3, FieldType::kString}};
  std::mt19937_64 random(3);
  for (model::SeriesId series = 0; series < 40; ++series) {
    SCOPED_TRACE(series);
    const bool has_gaps = series % 2 == 1;
    const uint64_t spread =
        series % 4 < 2 ? 40 : 1'000'000;  // many rows of one time, or next to none
    std::map<int64_t, std::vector<std::string>> expected;
    for (int row = 0; row < 3000; ++row) {
      const auto time = static_cast<int64_t>(row + random() % spread);
      const int64_t number = row;
      const std::string text = base::StrCat("s", row);
      std::vector<FieldValue> values = {
          FieldValue::Float(static_cast<double>(number)), FieldValue::Integer(number),
          FieldValue::Boolean(number % 3 == 0), FieldValue::String(text)};
      const std::vector<std::string> texts = {base::StrCat(number), base::StrCat(number, "i"),
                                              base::StrCat(number % 3 == 0),
                                              base::StrCat("'", text, "'")};
      auto& cells = expected.try_emplace(time, 4, "-").first->second;
      for (size_t i = 0; i < values.size(); ++i) {
        if (has_gaps && random() % 50 == 0 && i != 0) {
          values[i] = FieldValue();
        } else {
          cells[i] = texts[i];
        }
      }
      Append(series, time, values);
    }
    std::string joined;
    for (const auto& [time, cells] : expected) {
      base::StrAppend(joined, joined.empty() ? "" : " ", time, "=", cells[0], ",", cells[1], ",",
                      cells[2], ",", cells[3]);
    }
    ASSERT_EQ(Rows(series, fields), joined);
  }
}

TEST_F(CacheTest, AFieldThatChangesItsType) {
  Append(0, 10, {FieldValue::Float(1.5)});
  Append(0, 20, {FieldValue::Integer(2)});
  Append(0, 30, {FieldValue::String("x")});
  EXPECT_EQ(Rows(0, {{0, FieldType::kFloat}}), "10=1.5 20=2 30=-");
  EXPECT_EQ(Rows(0, {{0, FieldType::kInteger}}), "10=1i 20=2i 30=-");
}

TEST_F(CacheTest, AViewKeepsItsRows) {
  const std::vector<FieldRequest> v = {{0, FieldType::kFloat}};
  const CacheEpoch nothing = cache_.OpenView();
  Append(0, 10, 1);
  const CacheEpoch one = cache_.OpenView();
  Append(0, 20, 2);
  Append(0, 30, 3);
  const CacheEpoch three = cache_.OpenView();
  Append(0, 5, 4);
  Append(1, 5, 5);
  EXPECT_EQ(Rows(0, v, nothing), "");
  EXPECT_EQ(Rows(0, v, one), "10=1");
  EXPECT_EQ(Rows(0, v, three), "10=1 20=2 30=3");
  EXPECT_EQ(Rows(0, v), "5=4 10=1 20=2 30=3");
  EXPECT_EQ(Rows(1, v, three), "");
}

TEST_F(CacheTest, LongSeriesComeInPiecesOfBatchSize) {
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    Append(0, i, i);
    base::StrAppend(expected, i == 0 ? "" : " ", i, "=", i);
  }
  EXPECT_EQ(Rows(0, {{0, FieldType::kFloat}}), expected);
  CacheRows rows;
  ASSERT_TRUE(rows.Open(*cache_.Find(0), kAllRecords));
  for (const auto& piece : rows.pieces()) EXPECT_LE(piece.rows, model::kBatchRows);
}

TEST_F(CacheTest, AMillionShortSeriesStaySmall) {
  constexpr model::SeriesId kSeries = 100'000;
  for (int row = 0; row < 2; ++row) {
    for (model::SeriesId id = 0; id < kSeries; ++id) Append(id, row, id);
  }
  EXPECT_LE(cache_.bytes() / kSeries, 150u);
  EXPECT_EQ(static_cast<size_t>(total_->load()), cache_.bytes());
  EXPECT_EQ(cache_.series_count(), kSeries);
  model::SeriesId next = 0;
  cache_.ForEachSeries([&](model::SeriesId id, const CacheSeries&) { EXPECT_EQ(id, next++); });
  EXPECT_EQ(next, kSeries);
}

}  // namespace
}  // namespace varve::engine
