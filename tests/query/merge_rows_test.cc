#include "query/merge_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "query/go_heap.h"

namespace varve::query {
namespace {

using model::FieldValue;

// One row: its time, the series it is of, its text.
struct Row {
  int64_t time;
  int64_t series;
  std::string text;
  friend bool operator==(const Row&, const Row&) = default;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.time << "/" << row.series << "/" << row.text;
}

// Series of rows kept in memory, with keys and shards as those of a measurement.
class FakeSource final : public RowSource {
 public:
  std::vector<std::vector<Row>> series;  // each ascending
  std::vector<std::string> keys;
  std::vector<model::TimeRange> ranges;

  const std::string& name() const override { return name_; }
  size_t series_count() const override { return series.size(); }
  void TagValues(size_t, const std::vector<std::string>&,
                 std::vector<std::string>*) const override {}
  bool KeyOf(size_t i, std::string* key) const override {
    *key = keys[i];
    return true;
  }
  const std::vector<model::TimeRange>& shards() const override { return ranges; }
  std::unique_ptr<RowReader> NewReader(const ReadRequest& request) const override;

 private:
  std::string name_ = "m";
};

// Hands out the columns "series" and "text", the latter null where it is empty.
class FakeReader final : public RowReader {
 public:
  FakeReader(const FakeSource& source, const ReadRequest& request)
      : source_(source), request_(request) {}

  absl::Status Seek(size_t series) override {
    rows_ = source_.series[series];
    std::erase_if(rows_, [&](const Row& row) { return !request_.range.Contains(row.time); });
    if (request_.descending) std::reverse(rows_.begin(), rows_.end());
    at_ = 0;
    return absl::OkStatus();
  }
  absl::Status Next(engine::ScanStep* step) override {
    const size_t rows = std::min<size_t>(7, rows_.size() - at_);
    step->kind = rows == 0 ? engine::ScanStep::Kind::kEnd : engine::ScanStep::Kind::kRows;
    times_.clear();
    numbers_.clear();
    texts_.clear();
    validity_.assign(1, 0);
    for (size_t i = 0; i < rows; ++i, ++at_) {
      times_.push_back(rows_[at_].time);
      numbers_.push_back(rows_[at_].series);
      texts_.push_back(rows_[at_].text);
      validity_[0] |= static_cast<uint64_t>(!rows_[at_].text.empty()) << i;
    }
    step->rows.rows = rows;
    step->rows.times = times_.data();
    step->rows.columns.clear();
    for (const VarRef& ref : request_.columns) {
      model::ColumnVector column;
      if (ref.name == "series") {
        column.type = model::FieldType::kInteger;
        column.data = numbers_.data();
      } else {
        column.type = model::FieldType::kString;
        column.strings = texts_.data();
        column.validity = validity_.data();
      }
      step->rows.columns.push_back(column);
    }
    return absl::OkStatus();
  }
  void TakeCounters(engine::ScanCounters*) override {}

 private:
  const FakeSource& source_;
  const ReadRequest request_;
  std::vector<Row> rows_;
  size_t at_ = 0;
  std::vector<int64_t> times_;
  std::vector<int64_t> numbers_;
  std::vector<std::string_view> texts_;
  std::vector<uint64_t> validity_;
};

std::unique_ptr<RowReader> FakeSource::NewReader(const ReadRequest& request) const {
  return std::make_unique<FakeReader>(*this, request);
}

class MergeRowsTest : public testing::Test {
 protected:
  MergeRowsTest() { context_.environment = &environment_; }

  // Random series of which many rows are of one instant, in two shards.
  void Fill(uint64_t seed, size_t series) {
    std::mt19937_64 random(seed);
    source_ = FakeSource();
    source_.ranges = {{0, 49}, {50, 99}};
    std::vector<size_t> keys(series);
    std::iota(keys.begin(), keys.end(), 0);
    std::shuffle(keys.begin(), keys.end(), random);
    for (size_t s = 0; s < series; ++s) {
      std::vector<Row> rows;
      for (int64_t t = 0; t < 100; ++t) {
        if (random() % 3 != 0) continue;
        const char* const texts[] = {"", "a", "b"};
        rows.push_back({t, static_cast<int64_t>(s), texts[random() % 3]});
      }
      source_.series.push_back(std::move(rows));
      source_.keys.push_back("m,k=" + std::to_string(1000 + keys[s]));
    }
  }

  void Request(bool descending, bool text_first) {
    request_ = ReadRequest();
    request_.descending = descending;
    request_.columns = {{"series", DataType::kInteger}, {"text", DataType::kString}};
    if (text_first) std::swap(request_.columns[0], request_.columns[1]);
  }

  // The members in the order of their keys, as the mergers take them.
  std::vector<MergeInput> Inputs() const {
    std::map<std::string, uint32_t> by_key;
    for (uint32_t i = 0; i < source_.keys.size(); ++i) by_key[source_.keys[i]] = i;
    std::vector<MergeInput> inputs;
    for (const auto& [key, i] : by_key) inputs.push_back({i, i});
    if (request_.descending) std::reverse(inputs.begin(), inputs.end());
    return inputs;
  }

  // What a heap of whole series gives, shard by shard, the simplest way there is.
  std::vector<Row> Expected(bool driven) const {
    const bool descending = request_.descending;
    const bool ties = request_.columns[0].name == "text" || driven;
    std::vector<model::TimeRange> shards = source_.ranges;
    if (descending) std::reverse(shards.begin(), shards.end());
    std::vector<Row> out;
    for (const model::TimeRange& shard : shards) {
      std::vector<std::vector<Row>> heap;
      for (const MergeInput& input : Inputs()) {
        std::vector<Row> rows = source_.series[input.series];
        std::erase_if(rows, [&](const Row& row) { return !shard.Contains(row.time); });
        if (!descending) std::reverse(rows.begin(), rows.end());
        if (!rows.empty()) heap.push_back(std::move(rows));
      }
      const auto less = [&](const std::vector<Row>& a, const std::vector<Row>& b) {
        const Row& x = a.back();
        const Row& y = b.back();
        if (x.time != y.time) return descending ? x.time > y.time : x.time < y.time;
        if (!ties || x.text.empty() || y.text.empty()) return false;
        return descending ? x.text > y.text : x.text < y.text;
      };
      InitHeap(heap, less);
      while (!heap.empty()) {
        std::vector<Row> rows = PopHeap(heap, less);
        out.push_back(rows.back());
        rows.pop_back();
        if (!rows.empty()) PushHeap(heap, std::move(rows), less);
      }
    }
    return out;
  }

  std::vector<Row> ReadAll(RowMerger& merger) const {
    const size_t series = request_.columns[0].name == "series" ? 0 : 1;
    std::vector<Row> rows;
    while (true) {
      RowBlock block;
      EXPECT_TRUE(merger.Next(&block).ok());
      if (block.rows == 0) return rows;
      for (size_t i = 0; i < block.rows; ++i) {
        const FieldValue* row = block.values + 2 * i;
        const FieldValue& text = row[1 - series];
        rows.push_back({block.times[i], row[series].as_integer(),
                        text.is_null() ? std::string() : std::string(text.as_string())});
        EXPECT_EQ(block.members[i], row[series].as_integer());
      }
    }
  }

  Executor::Environment environment_;
  SelectContext context_;
  QueryState query_{context_};
  FakeSource source_;
  ReadRequest request_;
};

TEST_F(MergeRowsTest, PropertyEveryMergerLeavesTiesWhereTheHeapDoes) {
  for (uint64_t seed = 0; seed < 48; ++seed) {
    Fill(seed, 2 + seed % 30);
    Request(seed % 2 == 0, seed % 4 < 2);
    MergeOptions options;
    options.driven = seed % 8 < 2 && request_.columns[0].name == "series";
    const std::vector<Row> expected = Expected(options.driven);
    auto heap = MakeHeapMerger(source_, Inputs(), request_, options, query_);
    ASSERT_EQ(ReadAll(*heap), expected) << "seed " << seed;
    auto slices = MakeSliceMerger(source_, Inputs(), request_, options, query_);
    ASSERT_EQ(ReadAll(*slices), expected) << "seed " << seed;
  }
}

TEST_F(MergeRowsTest, MakeOrdersSeriesByKey) {
  Fill(5, 60);
  Request(false, false);
  GroupedSources grouped;
  auto source = std::make_unique<FakeSource>(source_);
  grouped.sources.push_back(std::move(source));
  grouped.statement_sources.push_back(0);
  for (uint32_t s = 0; s < 60; ++s) grouped.members.push_back({0, s});
  auto merger = RowMerger::Make(grouped, grouped.members, request_, MergeOptions(), query_);
  EXPECT_EQ(ReadAll(*merger), Expected(false));
}

TEST_F(MergeRowsTest, ASliceMergerThatNeedsFewRowsStillGivesTheFirst) {
  Fill(3, 3000);
  for (const bool descending : {false, true}) {
    Request(descending, true);
    MergeOptions options;
    options.rows_wanted = 10;
    auto merger = MakeSliceMerger(source_, Inputs(), request_, options, query_);
    std::vector<Row> rows = ReadAll(*merger);
    std::vector<Row> expected = Expected(false);
    ASSERT_GE(rows.size(), 10u);
    rows.resize(10);
    expected.resize(10);
    EXPECT_EQ(rows, expected);
  }
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

// Recorded from Go's container/heap: six items that compare by their first letter only.
TEST(GoHeapTest, LeavesEqualItemsWhereGoDoes) {
  const auto less = [](const std::string& a, const std::string& b) { return a[0] < b[0]; };
  std::vector<std::string> heap{"b1", "a1", "a2", "b2", "a3", "c1", "a4"};
  InitHeap(heap, less);
  std::string out;
  for (int i = 0; i < 4; ++i) out += PopHeap(heap, less) + " ";
  PushHeap(heap, std::string("b3"), less);
  PushHeap(heap, std::string("a5"), less);
  while (!heap.empty()) out += PopHeap(heap, less) + " ";
  EXPECT_EQ(out, "a1 a4 a3 a2 a5 b3 b2 b1 c1 ");
}

}  // namespace
}  // namespace varve::query
