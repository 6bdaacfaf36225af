#include "query/row_filter.h"

#include <gtest/gtest.h>

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
