#include "model/column_batch.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace varve::model {
namespace {

FieldValue RandomValue(FieldType type, std::mt19937_64& random, std::deque<std::string>& texts) {
  switch (type) {
    case FieldType::kFloat:
      return FieldValue::Float(static_cast<double>(random()));
    case FieldType::kInteger:
      return FieldValue::Integer(static_cast<int64_t>(random()));
    case FieldType::kUnsigned:
      return FieldValue::Unsigned(random());
    case FieldType::kBoolean:
      return FieldValue::Boolean(random() % 2 == 0);
    default:
      texts.push_back(std::string(random() % 20, 'x'));
      return FieldValue::String(texts.back());
  }
}

TEST(ColumnBufferTest, GivesBackWhatWasAppended) {
  ColumnBuffer column;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto type = static_cast<FieldType>(random() % 5 + 1);
    const uint64_t null_share = random() % 3;
    std::deque<std::string> texts;
    std::vector<FieldValue> expected;
    column.Reset(type);
    for (uint64_t n = random() % 300; n > 0; --n) {
      const bool null = null_share != 0 && random() % (3 * null_share) == 0;
      expected.push_back(null ? FieldValue() : RandomValue(type, random, texts));
      column.Append(expected.back());
    }
    ASSERT_EQ(column.size(), expected.size());
    const ColumnVector view = column.View();
    EXPECT_EQ(view.type, type);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(view.At(i), expected[i]) << "seed " << seed << " row " << i;
      ASSERT_EQ(view.IsValid(i), !expected[i].is_null());
    }
  }
}

TEST(ColumnBufferTest, WithoutNullsThereIsNoValidity) {
  ColumnBuffer column;
  column.Reset(FieldType::kInteger);
  for (int i = 0; i < 100; ++i) column.Append(FieldValue::Integer(i));
  EXPECT_EQ(column.View().validity, nullptr);
  column.AppendNull();
  EXPECT_NE(column.View().validity, nullptr);
  EXPECT_TRUE(column.View().At(100).is_null());
}

TEST(ColumnVectorTest, AColumnWithoutTypeIsNullEverywhere) {
  EXPECT_TRUE(ColumnVector().At(5).is_null());
}

TEST(FieldValueTest, EqualityIsOfTypeAndBits) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(FieldValue::Float(nan), FieldValue::Float(nan));
  EXPECT_NE(FieldValue::Float(0.0), FieldValue::Float(-0.0));
  EXPECT_NE(FieldValue::Integer(1), FieldValue::Unsigned(1));
  EXPECT_EQ(FieldValue::Float(1.5, 1), FieldValue::Float(1.5));
  EXPECT_EQ(FieldValue::String("a"), FieldValue::String(std::string("a")));
  EXPECT_EQ(FieldValue(), FieldValue());
}

}  // namespace
}  // namespace varve::model
