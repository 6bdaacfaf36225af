// The heap of ORDER BY ... LIMIT beside a full sort of the same rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "query/query_state.h"
#include "query/shape.h"

namespace varve::query {
namespace {

using model::FieldValue;

// A row as it came: its group, its place, its time, a number or null and a text or null.
struct TestRow {
  int group = 0;
  int place = 0;
  int64_t time = 0;
  std::optional<int64_t> number;
  std::optional<std::string> text;

  friend bool operator==(const TestRow&, const TestRow&) = default;
};

struct TestKey {
  enum class Of { kNumber, kText, kTime, kTag } of = Of::kNumber;
  bool ascending = true;
};

// Keeps what it is handed; the columns are number, text and the row's place.
class Collector final : public RowSink {
 public:
  absl::Status Begin(std::string_view, const TagPairs& tags) override {
    group_ = std::stoi(tags[0].second);
    ++series;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t n, const int64_t* times, const FieldValue* values) override {
    for (size_t i = 0; i < n; ++i, values += 3) {
      TestRow row;
      row.group = group_;
      row.time = times[i];
      if (!values[0].is_null()) row.number = values[0].as_integer();
      if (!values[1].is_null()) row.text = std::string(values[1].as_string());
      row.place = static_cast<int>(values[2].as_integer());
      rows.push_back(std::move(row));
    }
    return absl::OkStatus();
  }
  std::vector<TestRow> rows;
  size_t series = 0;

 private:
  int group_ = 0;
};

// -1, 0, 1; nothing comes last in either direction.
template <typename T>
int CompareOptional(const std::optional<T>& a, const std::optional<T>& b, bool ascending) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? -1 : (b.has_value() ? 1 : 0);
  if (*a == *b) return 0;
  return (*a < *b) == ascending ? -1 : 1;
}

bool Before(const std::vector<TestKey>& keys, const TestRow& a, const TestRow& b) {
  for (const TestKey& key : keys) {
    int order = 0;
    switch (key.of) {
      case TestKey::Of::kNumber:
        order = CompareOptional(a.number, b.number, key.ascending);
        break;
      case TestKey::Of::kText:
        order = CompareOptional(a.text, b.text, key.ascending);
        break;
      case TestKey::Of::kTime:
        order = CompareOptional<int64_t>(a.time, b.time, key.ascending);
        break;
      case TestKey::Of::kTag:
        order = CompareOptional<int64_t>(a.group, b.group, key.ascending);
        break;
    }
    if (order != 0) return order < 0;
  }
  return std::tie(a.time, a.group, a.place) < std::tie(b.time, b.group, b.place);
}

class OrderSinkTest : public testing::Test {
 protected:
  OrderSinkTest() { context_.environment = &environment_; }

  static RowShape ShapeOf(const std::vector<TestKey>& keys, size_t limit, size_t offset) {
    RowShape shape;
    shape.width = 3;
    shape.tags = {"g"};
    shape.limit = limit;
    shape.offset = offset;
    for (const TestKey& key : keys) {
      const int place = key.of == TestKey::Of::kNumber ? 0 : key.of == TestKey::Of::kText ? 1 : 3;
      shape.keys.push_back(
          {key.of == TestKey::Of::kTime,
           RowExpression::Bind(*MakeExpr(VarRef{"x"}), [place](const Expr&) { return place; }),
           key.ascending});
    }
    return shape;
  }

  // Hands `rows`, group by group, through an order sink.
  absl::Status Order(const RowShape& shape, const std::vector<TestRow>& rows, bool as_table,
                     Collector* out) {
    QueryState query(context_);
    const auto sink = MakeOrderSink(shape, as_table, query, *out);
    for (size_t i = 0; i < rows.size(); ++i) {
      const TestRow& row = rows[i];
      if (i == 0 || rows[i - 1].group != row.group) {
        RETURN_IF_ERROR(sink->Begin("m", {{"g", std::to_string(row.group)}}));
      }
      // Texts are borrowed for the call only.
      std::string text = row.text.value_or("");
      const FieldValue values[] = {
          row.number.has_value() ? FieldValue::Integer(*row.number) : FieldValue(),
          row.text.has_value() ? FieldValue::String(text) : FieldValue(),
          FieldValue::Integer(row.place)};
      RETURN_IF_ERROR(sink->Rows(1, &row.time, values));
      text.assign(text.size(), '#');
    }
    return sink->Finish();
  }

  Executor::Environment environment_;
  SelectContext context_;
};

std::vector<TestRow> RandomRows(std::mt19937& random) {
  std::vector<TestRow> rows;
  const int groups = 1 + static_cast<int>(random() % 9);
  for (int group = 0; group < groups; ++group) {
    const int count = static_cast<int>(random() % 40);
    for (int i = 0; i < count; ++i) {
      TestRow row;
      row.group = group;
      row.place = i;
      row.time = i / 2;
      if (random() % 5 != 0) row.number = static_cast<int64_t>(random() % 12) - 6;
      if (random() % 5 != 0) row.text = std::string(random() % 400, 'a') + char('a' + random() % 4);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

TEST_F(OrderSinkTest, KeepsWhatAFullSortPutsFirst) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::vector<TestRow> rows = RandomRows(random);
    std::vector<TestKey> keys(1 + random() % 3);
    for (TestKey& key : keys) {
      key.of = static_cast<TestKey::Of>(random() % 4);
      key.ascending = random() % 2 == 0;
    }
    const size_t limit = random() % 3 == 0 ? 0 : 1 + random() % 50;
    const size_t offset = random() % 2 == 0 ? 0 : random() % 60;

    std::vector<TestRow> expected = rows;
    std::sort(expected.begin(), expected.end(),
              [&](const TestRow& a, const TestRow& b) { return Before(keys, a, b); });
    expected.erase(expected.begin(),
                   expected.begin() + static_cast<ptrdiff_t>(std::min(offset, expected.size())));
    if (limit > 0 && expected.size() > limit) expected.resize(limit);

    Collector answer;
    ASSERT_TRUE(Order(ShapeOf(keys, limit, offset), rows, false, &answer).ok());
    ASSERT_EQ(answer.rows, expected);
    size_t series = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      if (i == 0 || expected[i - 1].group != expected[i].group) ++series;
    }
    EXPECT_EQ(answer.series, series);

    // As a table: the same rows as they came.
    std::sort(expected.begin(), expected.end(), [](const TestRow& a, const TestRow& b) {
      return std::tie(a.group, a.place) < std::tie(b.group, b.place);
    });
    Collector table;
    ASSERT_TRUE(Order(ShapeOf(keys, limit, offset), rows, true, &table).ok());
    ASSERT_EQ(table.rows, expected);
  }
}

// Many rows of which ten are wanted take no more memory than ten, a full sort takes too much.
TEST_F(OrderSinkTest, HoldsNoMoreThanIsWanted) {
  environment_.limits.memory_bytes = 1 << 20;
  const auto feed = [&](size_t limit, Collector* out) {
    QueryState query(context_);
    const RowShape shape = ShapeOf({{TestKey::Of::kNumber, false}}, limit, 5);
    const auto sink = MakeOrderSink(shape, false, query, *out);
    RETURN_IF_ERROR(sink->Begin("m", {{"g", "0"}}));
    const std::string text(100, 'x');
    for (int64_t i = 0; i < 200'000; ++i) {
      const FieldValue values[] = {FieldValue::Integer(i), FieldValue::String(text),
                                   FieldValue::Integer(i)};
      RETURN_IF_ERROR(sink->Rows(1, &i, values));
    }
    return sink->Finish();
  };
  Collector best;
  ASSERT_TRUE(feed(5, &best).ok());
  ASSERT_EQ(best.rows.size(), 5u);
  EXPECT_EQ(best.rows[0].number, 199'994);
  EXPECT_EQ(best.rows[4].number, 199'990);
  Collector all;
  EXPECT_EQ(feed(0, &all).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace varve::query
