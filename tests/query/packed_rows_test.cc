// What is packed comes back, whatever else the column holds.
#include "query/packed_rows.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace varve::query {
namespace {

using model::ColumnBuffer;
using model::FieldType;
using model::FieldValue;

// Rows as they were appended, and the same packed.
class PackedRowsTest : public testing::Test {
 protected:
  explicit PackedRowsTest(size_t columns = 4) : packed_(columns), columns_(columns) {}

  using Row = std::vector<FieldValue>;

  // One batch, its columns in reverse behind one that is not wanted.
  void Append(const std::vector<Row>& rows, const std::vector<FieldType>& types) {
    std::vector<ColumnBuffer> buffers(columns_ + 1);
    buffers[0].Reset(FieldType::kString);
    for (size_t c = 0; c < columns_; ++c) buffers[columns_ - c].Reset(types[c]);
    for (const Row& row : rows) {
      buffers[0].Append(FieldValue::String("unwanted"));
      for (size_t c = 0; c < columns_; ++c) {
        if (types[c] != FieldType::kNone) buffers[columns_ - c].Append(row[c]);
      }
    }
    model::ColumnBatch batch;
    batch.rows = rows.size();
    for (size_t i = 0; i <= columns_; ++i) {
      const bool is_none = i > 0 && types[columns_ - i] == FieldType::kNone;
      batch.columns.push_back(is_none ? model::ColumnVector() : buffers[i].View());
    }
    std::vector<size_t> from;
    for (size_t c = 0; c < columns_; ++c) from.push_back(columns_ - c);
    packed_.Append(batch, from, rows.size(), texts_);
    for (const Row& row : rows) Remember(row);
  }
  void AppendRow(const Row& row) {
    Row kept;
    for (const FieldValue& value : row) kept.push_back(texts_.Keep(value));
    packed_.AppendRow(kept);
    Remember(row);
  }
  void Remember(const Row& row) {
    Row kept;
    for (const FieldValue& value : row) kept.push_back(own_texts_.Keep(value));
    rows_.push_back(std::move(kept));
  }
  void ExpectSame() {
    ASSERT_EQ(packed_.size(), rows_.size());
    std::vector<uint32_t> places;
    for (size_t row = 0; row < rows_.size(); ++row) {
      places.push_back(static_cast<uint32_t>(rows_.size() - 1 - row));
      for (size_t c = 0; c < columns_; ++c) EXPECT_EQ(packed_.At(row, c), rows_[row][c]) << row;
    }
    // From the last row to the first, behind a column that is not touched.
    const size_t width = columns_ + 1;
    std::vector<FieldValue> copy(rows_.size() * width, FieldValue::Boolean(true));
    packed_.Copy(places, 1, columns_ - 1, copy.data() + 1, width);
    for (size_t i = 0; i < places.size(); ++i) {
      EXPECT_EQ(copy[i * width], FieldValue::Boolean(true));
      for (size_t c = 1; c < columns_; ++c) {
        EXPECT_EQ(copy[i * width + c], rows_[places[i]][c]) << i;
      }
      EXPECT_EQ(copy[i * width + columns_], FieldValue::Boolean(true));
    }
  }

  PackedRows packed_;
  const size_t columns_;
  TextArena texts_;
  TextArena own_texts_;
  std::vector<Row> rows_;
};

const std::vector<FieldType> kNumbers = {FieldType::kInteger, FieldType::kUnsigned,
                                         FieldType::kFloat, FieldType::kBoolean};

TEST_F(PackedRowsTest, WidensWhenValuesGrow) {
  const auto row = [](int64_t v) {
    return Row{FieldValue::Integer(v), FieldValue::Unsigned(static_cast<uint64_t>(v)),
               FieldValue::Float(static_cast<double>(v) / 3), FieldValue::Boolean(v % 2 != 0)};
  };
  Append({row(0), row(127), row(-128)}, kNumbers);
  EXPECT_EQ(packed_.row_bytes(), 1U + 1 + 8 + 1);
  for (const int64_t v :
       {int64_t{128}, int64_t{-129}, int64_t{32767}, int64_t{-32769}, int64_t{INT32_MAX},
        int64_t{INT32_MIN} - 1, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    Append({row(v), row(1)}, kNumbers);
    AppendRow(row(v - 1 + (v < 0 ? 2 : 0)));
    ExpectSame();
  }
  EXPECT_EQ(packed_.row_bytes(), 8U + 8 + 8 + 1);
}

TEST_F(PackedRowsTest, KeepsEveryBitOfFloats) {
  std::vector<Row> rows;
  for (const double v : {-0.0, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::infinity(), 5e-324}) {
    rows.push_back({FieldValue::Integer(1), FieldValue::Unsigned(1), FieldValue::Float(v),
                    FieldValue::Boolean(true)});
  }
  Append(rows, kNumbers);
  ExpectSame();
}

TEST_F(PackedRowsTest, HoldsNullsAndTextsAndColumnsThatComeLater) {
  const FieldValue null;
  const auto text = [](const char* t) { return FieldValue::String(t); };
  Append({{FieldValue::Integer(5), null, null, null}},
         {FieldType::kInteger, FieldType::kNone, FieldType::kNone, FieldType::kNone});
  ExpectSame();
  Append({{FieldValue::Integer(6), text("a"), FieldValue::Float(2), null},
          {null, text("a text that is longer"), FieldValue::Float(3), null}},
         {FieldType::kInteger, FieldType::kString, FieldType::kFloat, FieldType::kNone});
  ExpectSame();
  AppendRow({null, text(""), null, FieldValue::Boolean(true)});
  ExpectSame();
  Append({{null, null, null, FieldValue::Boolean(false)}},
         {FieldType::kNone, FieldType::kNone, FieldType::kNone, FieldType::kBoolean});
  ExpectSame();
  packed_.Clear();
  rows_.clear();
  EXPECT_EQ(packed_.row_bytes(), 0U);
  AppendRow({null, null, null, null});
  ExpectSame();
}

TEST_F(PackedRowsTest, MovesRowsToTheFront) {
  for (int i = 0; i < 10; ++i) {
    const std::string text = "text " + std::to_string(i);
    AppendRow({FieldValue::Integer(i), FieldValue::String(text), {}, FieldValue::Boolean(true)});
  }
  TextArena kept;
  for (size_t i = 0; i < 5; ++i) {
    packed_.MoveRow(2 * i, i, kept);
    rows_[i] = rows_[2 * i];
  }
  packed_.Truncate(5);
  rows_.resize(5);
  texts_ = std::move(kept);
  ExpectSame();
}

TEST_F(PackedRowsTest, HoldsWhatChanceBrings) {
  std::mt19937_64 random(20261201);
  for (int round = 0; round < 50; ++round) {
    packed_.Clear();
    rows_.clear();
    for (int batch = 0; batch < 6; ++batch) {
      std::vector<Row> rows(random() % 20);
      const bool has_nulls = random() % 4 == 0;
      for (Row& row : rows) {
        const int64_t v = static_cast<int64_t>(random()) >> (random() % 64);
        row = {FieldValue::Integer(v), FieldValue::Unsigned(static_cast<uint64_t>(v)),
               FieldValue::Float(static_cast<double>(v)), FieldValue::Boolean(v % 2 == 0)};
        if (has_nulls) row[random() % 4] = FieldValue();
      }
      Append(rows, kNumbers);
    }
    ExpectSame();
  }
}

}  // namespace
}  // namespace varve::query
