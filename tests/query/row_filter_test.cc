#include "query/row_filter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "query/parser.h"

namespace varve::query {
namespace {

using model::ColumnBuffer;
using model::FieldType;
using model::FieldValue;

// Gives names their types: f float, i integer, b boolean, s text, t tag.
ExprPtr Typed(const ExprPtr& expr) {
  if (const auto* ref = expr->As<VarRef>()) {
    const DataType type = ref->name == "f"   ? DataType::kFloat
                          : ref->name == "i" ? DataType::kInteger
                          : ref->name == "b" ? DataType::kBoolean
                          : ref->name == "s" ? DataType::kString
                                             : DataType::kTag;
    return MakeExpr(VarRef{ref->name, type});
  }
  if (const auto* binary = expr->As<BinaryExpr>()) {
    return MakeExpr(BinaryExpr{binary->op, Typed(binary->left), Typed(binary->right)});
  }
  if (const auto* paren = expr->As<ParenExpr>()) return MakeExpr(ParenExpr{Typed(paren->inner)});
  return expr;
}

FieldValue RandomValue(std::mt19937_64& random, DataType type) {
  if (type != DataType::kTag && random() % 5 == 0) return {};
  static constexpr std::string_view kTexts[] = {"", "a", "ab", "b"};
  switch (type) {
    case DataType::kFloat:
      return FieldValue::Float(static_cast<double>(random() % 7) / 2);
    case DataType::kInteger:
      return FieldValue::Integer(static_cast<int64_t>(random() % 7) - 3);
    case DataType::kBoolean:
      return FieldValue::Boolean(random() % 2 == 0);
    default:
      return FieldValue::String(kTexts[random() % 4]);
  }
}

FieldType StoredType(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return FieldType::kFloat;
    case DataType::kInteger:
      return FieldType::kInteger;
    case DataType::kBoolean:
      return FieldType::kBoolean;
    default:
      return FieldType::kString;
  }
}

// What a block's index entry would say.
std::vector<model::FieldStatistics> StatisticsOf(const std::vector<model::ColumnVector>& columns,
                                                 size_t rows, const std::vector<VarRef>& names) {
  std::vector<model::FieldStatistics> statistics(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    model::FieldStatistics& s = statistics[c];
    if (names[c].type == DataType::kTag) s.count = 1;
    for (size_t i = 0; i < rows && names[c].type != DataType::kTag; ++i) {
      const FieldValue value = columns[c].At(i);
      if (value.is_null()) continue;
      ++s.count;
      if (value.type() == FieldType::kFloat) {
        if (s.min.is_null() || value.as_float() < s.min.as_float()) s.min = value;
        if (s.max.is_null() || value.as_float() > s.max.as_float()) s.max = value;
      } else if (value.type() == FieldType::kInteger) {
        if (s.min.is_null() || value.as_integer() < s.min.as_integer()) s.min = value;
        if (s.max.is_null() || value.as_integer() > s.max.as_integer()) s.max = value;
      }
    }
  }
  return statistics;
}

TEST(RowFilterBlocksTest, BlocksThatCannotHoldAreKnown) {
  const auto may_hold = [](std::string_view text, FieldValue min, FieldValue max) {
    const auto parsed = ParseExpression(text, {});
    EXPECT_TRUE(parsed.ok()) << text;
    const RowFilter filter = RowFilter::Bind(Typed(*parsed), /*stored=*/true);
    std::vector<model::FieldStatistics> statistics(filter.columns().size());
    for (auto& s : statistics) {
      s.count = min.is_null() ? 0 : 10;
      s.min = min;
      s.max = max;
    }
    return filter.MayHold(statistics);
  };
  const FieldValue one = FieldValue::Float(1), two = FieldValue::Float(2);
  for (const char* text : {"f > 2", "f >= 2.5", "f < 1", "f <= 0", "f = 3", "3 < f", "f = 0.5",
                           "f > 5 OR f < 0", "f > 0 AND f > 2", "(f > 2)"}) {
    EXPECT_FALSE(may_hold(text, one, two)) << text;
  }
  for (const char* text : {"f > 1", "f >= 2", "f < 2", "f <= 1", "f = 1.5", "f != 1",
                           "f > 5 OR f < 2", "f + 1 > 9", "t = 'a'", "f > 5 OR t = 'a'"}) {
    EXPECT_TRUE(may_hold(text, one, two)) << text;
  }
  EXPECT_FALSE(may_hold("f != 7", {}, {}));  // nulls only
  EXPECT_FALSE(may_hold("i > 2", FieldValue::Integer(-5), FieldValue::Integer(2)));
  EXPECT_TRUE(may_hold("i > 1.5", FieldValue::Integer(-5), FieldValue::Integer(2)));
  EXPECT_FALSE(may_hold("i = 9007199254740993", FieldValue::Integer(9007199254740994),
                        FieldValue::Integer(9007199254740999)));
  EXPECT_FALSE(may_hold("i < -1", FieldValue::Unsigned(0), FieldValue::Unsigned(2)));
  EXPECT_TRUE(may_hold("i > -1", FieldValue::Unsigned(0), FieldValue::Unsigned(2)));
}

class RowFilterTest : public testing::TestWithParam<const char*> {};

TEST_P(RowFilterTest, ColumnsAndRowsAgree) {
  const auto parsed = ParseExpression(GetParam(), {});
  ASSERT_TRUE(parsed.ok()) << GetParam();
  const ExprPtr condition = Typed(*parsed);
  const RowFilter filter = RowFilter::Bind(condition, /*stored=*/true);
  const auto& names = filter.columns();
  const RowExpression expression = RowExpression::Bind(
      *condition,
      [&](const Expr& expr) {
        const auto* ref = expr.As<VarRef>();
        for (size_t i = 0; ref != nullptr && i < names.size(); ++i) {
          if (names[i].name == ref->name) return static_cast<int>(i);
        }
        return -1;
      },
      /*null_is_false=*/false);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    const size_t rows = 1 + random() % model::kBatchRows;
    std::vector<ColumnBuffer> buffers(names.size());
    std::vector<model::ColumnVector> columns;
    for (size_t c = 0; c < names.size(); ++c) {
      buffers[c].Reset(StoredType(names[c].type));
      const FieldValue tag = RandomValue(random, DataType::kTag);
      const bool is_tag = names[c].type == DataType::kTag;
      for (size_t i = 0; i < rows; ++i) {
        buffers[c].Append(is_tag ? tag : RandomValue(random, names[c].type));
      }
    }
    for (const ColumnBuffer& buffer : buffers) columns.push_back(buffer.View());
    uint8_t mask[model::kBatchRows];
    filter.Select(rows, columns, mask);
    if (std::memchr(mask, 1, rows) != nullptr) {
      EXPECT_TRUE(filter.MayHold(StatisticsOf(columns, rows, names))) << GetParam();
    }
    std::vector<FieldValue> row(names.size());
    for (size_t i = 0; i < rows; ++i) {
      for (size_t c = 0; c < columns.size(); ++c) row[c] = columns[c].At(i);
      ASSERT_EQ(mask[i] != 0, expression.Holds(row)) << GetParam() << " seed " << seed << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Conditions, RowFilterTest,
                         testing::Values("f > 1", "1 < f", "f >= 1.5 AND f <= 2", "i != -1",
                                         "i > 0.5 OR f = 0", "s = 'a'", "'a' != s", "s =~ /^a/",
                                         "s !~ /b$/", "b = true", "b != false AND b",
                                         "t = 'a' AND f > 1", "t =~ /a/ OR i < 0", "t != ''",
                                         "i + f > 2", "i % 2 = 1", "f / i > 1", "s > 'a'",
                                         "f = 'a'", "s = 1", "(f > 1 OR t = 'b') AND i <= 2",
                                         "f > i", "s = t"));

}  // namespace
}  // namespace varve::query
