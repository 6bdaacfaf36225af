#include "tsm/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/status.h"
#include "tests/tsm/tsm_testing.h"

namespace varve::tsm {
namespace {

using model::FieldId;
using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;
using model::SeriesId;
using testing::Data;
using testing::OwnedBatch;
using testing::ReadData;
using testing::ReadRows;
using testing::Row;
using testing::Rows;
using testing::Types;
using testing::Value;
using testing::WriteData;

Value F(double v) { return Value::Of(FieldValue::Float(v)); }
Value I(int64_t v) { return Value::Of(FieldValue::Integer(v)); }
Value S(std::string_view v) { return Value::Of(FieldValue::String(v)); }

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "tsm_" + test->name() + "_" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  FileInfo Write(const Data& data, WriterOptions options = {}, size_t piece = 1000) {
    auto info = WriteData(env_, folder_, "a.tsm", data, options, piece);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.ok() ? *info : FileInfo();
  }
  std::shared_ptr<FileReader> Open(const FileInfo& info) {
    auto file = FileReader::Open(env_, folder_, info);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *file : nullptr;
  }

  base::Env& env_ = base::Env::Default();
  std::string folder_;
};

TEST_F(FileTest, AFileWithoutRowsIsRefusedAndLeavesNothing) {
  {
    auto writer = FileWriter::Create(env_, folder_, "a.tsm", {});
    ASSERT_TRUE(writer.ok());
    EXPECT_EQ((*writer)->Finish().status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(FileTest, AnUnfinishedWriterRemovesItsFile) {
  {
    auto writer = FileWriter::Create(env_, folder_, "a.tsm", {});
    ASSERT_TRUE(writer.ok());
    const Rows rows = {{1, {{1, F(1)}}}};
    ASSERT_TRUE(testing::AddRows(**writer, 1, rows, 10).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(FileTest, RowsOutOfOrderAreRefused) {
  auto writer = FileWriter::Create(env_, folder_, "a.tsm", {});
  ASSERT_TRUE(writer.ok());
  const Rows first = {{10, {{1, F(1)}}}, {20, {{1, F(1)}}}};
  const Rows early = {{20, {{1, F(1)}}}};
  ASSERT_TRUE(testing::AddRows(**writer, 5, first, 10).ok());
  EXPECT_EQ(testing::AddRows(**writer, 5, early, 10).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(testing::AddRows(**writer, 4, first, 10).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(testing::AddRows(**writer, 6, first, 10).ok());
  auto info = (*writer)->Finish();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(*ReadData(*Open(*info)), Data({{5, first}, {6, first}}));
}

TEST_F(FileTest, TellsWhatItHolds) {
  const Data data = {{3, {{100, {{1, F(1)}, {2, I(5)}}}, {200, {{1, F(2)}}}}},
                     {7, {{50, {{9, S("x")}}}}}};
  const FileInfo info = Write(data);
  EXPECT_EQ(info.name, "a.tsm");
  EXPECT_EQ(info.bytes, std::filesystem::file_size(folder_ + "/a.tsm"));
  EXPECT_EQ(info.chunks, 2u);
  EXPECT_EQ(info.values, 4u);
  EXPECT_EQ(info.range, (model::TimeRange{50, 200}));
  EXPECT_EQ(info.min_series, 3u);
  EXPECT_EQ(info.max_series, 7u);
  EXPECT_EQ(Open(info)->info(), info);
  FileInfo name_only;
  name_only.name = info.name;
  EXPECT_EQ(Open(name_only)->info(), info);
  FileInfo other = info;
  ++other.values;
  EXPECT_EQ(FileReader::Open(env_, folder_, other).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileTest, AFieldThatChangesTypeBeginsANewChunk) {
  const Data data = {
      {1, {{1, {{1, F(1)}}}, {2, {{1, I(2)}, {2, F(0)}}}, {3, {{2, F(1)}}}, {4, {{1, F(3)}}}}}};
  auto file = Open(Write(data));
  EXPECT_EQ(*ReadData(*file), data);
  auto cursor = file->NewCursor();
  ASSERT_TRUE(*cursor->Seek(1));
  EXPECT_EQ(cursor->chunks().size(), 3u);
  EXPECT_TRUE(file->Verify().ok());
}

TEST_F(FileTest, SelectedFieldsAloneAreListed) {
  Data data;
  for (SeriesId series = 0; series < 50; ++series) {
    for (int64_t t = 0; t < (series % 2 == 0 ? 3 : 40); ++t) {
      data[series][t] = {{1, F(1)}, {5, I(t)}, {9, S("abc")}};
    }
  }
  auto file = Open(Write(data));
  auto cursor = file->NewCursor();
  const FieldId wanted[] = {9, 5};
  cursor->SelectFields(wanted);
  for (SeriesId series = 0; series < 50; ++series) {
    ASSERT_TRUE(*cursor->Seek(series));
    ASSERT_EQ(cursor->chunks()[0].columns.size(), 2u);
    EXPECT_EQ(cursor->chunks()[0].columns[0].field, 5u);
    EXPECT_EQ(cursor->chunks()[0].columns[1].field, 9u);
    Rows rows;
    ASSERT_TRUE(ReadRows(*cursor, &rows).ok());
    for (auto& [time, row] : data[series]) row.erase(1);
    EXPECT_EQ(rows, data[series]);
  }
  // The selection may change in the middle of a walk, which goes on where it was.
  ASSERT_TRUE(*cursor->Seek(20));
  const FieldId none[] = {77};
  cursor->SelectFields(none);
  ASSERT_TRUE(*cursor->NextSeries());
  EXPECT_EQ(cursor->series(), 21u);
  ASSERT_EQ(cursor->chunks().size(), 1u);
  EXPECT_TRUE(cursor->chunks()[0].columns.empty());
  cursor->SelectFields({});
  ASSERT_TRUE(*cursor->Seek(21));
  EXPECT_EQ(cursor->chunks()[0].columns.size(), 3u);
}

// What the statistics of a column must be, the slow way.
FieldStatistics Expected(const Rows& rows, const model::TimeRange& range, FieldId field,
                         FieldType type) {
  FieldStatistics s;
  double sum = 0;
  uint64_t wrapped = 0;
  std::vector<std::pair<int64_t, Value>> cells;
  for (const auto& [time, row] : rows) {
    const auto at = row.find(field);
    if (range.Contains(time) && at != row.end()) cells.emplace_back(time, at->second);
  }
  s.count = cells.size();
  s.first_time = s.min_time = s.max_time = cells.front().first;
  s.last_time = cells.back().first;
  if (type == FieldType::kString) return s;
  s.first = cells.front().second.Get();
  s.last = cells.back().second.Get();
  if (type == FieldType::kBoolean) return s;
  for (size_t i = 0; i < cells.size(); ++i) {
    const FieldValue v = cells[i].second.Get();
    if (i == 0) {
      s.min = s.max = v;
    }
    wrapped += cells[i].second.bits;
    bool less = false;
    bool greater = false;
    if (type == FieldType::kFloat) {
      sum = i == 0 ? v.as_float() : sum + v.as_float();
      const bool was_nan = std::isnan(s.min.as_float());
      const bool is_nan = std::isnan(v.as_float());
      less = was_nan ? !is_nan : v.as_float() < s.min.as_float();
      greater = was_nan ? !is_nan : v.as_float() > s.max.as_float();
    } else if (type == FieldType::kInteger) {
      less = v.as_integer() < s.min.as_integer();
      greater = v.as_integer() > s.max.as_integer();
    } else {
      less = v.as_unsigned() < s.min.as_unsigned();
      greater = v.as_unsigned() > s.max.as_unsigned();
    }
    if (less) s.min = v, s.min_time = cells[i].first;
    if (greater) s.max = v, s.max_time = cells[i].first;
  }
  s.sum = type == FieldType::kFloat     ? FieldValue::Float(sum)
          : type == FieldType::kInteger ? FieldValue::Integer(static_cast<int64_t>(wrapped))
                                        : FieldValue::Unsigned(wrapped);
  return s;
}

// Which of two NaNs a sum keeps is the compiler's choice.
bool SameSum(const FieldValue& a, const FieldValue& b) {
  const auto is_nan = [](const FieldValue& v) {
    return v.type() == FieldType::kFloat && std::isnan(v.as_float());
  };
  return a == b || (is_nan(a) && is_nan(b));
}

void ExpectStatistics(FileReader& file, const Data& data) {
  auto cursor = file.NewCursor();
  for (const auto& [series, rows] : data) {
    auto found = cursor->Seek(series);
    ASSERT_TRUE(found.ok() && *found) << found.status() << " series=" << series;
    model::TimeRange before{0, std::numeric_limits<int64_t>::min()};
    for (const ChunkMeta& chunk : cursor->chunks()) {
      EXPECT_LT(before.max_ns, chunk.range.min_ns);
      before = chunk.range;
      EXPECT_TRUE(std::ranges::is_sorted(chunk.columns, std::less<>(), &ColumnMeta::field));
      for (const ColumnMeta& column : chunk.columns) {
        const FieldStatistics want = Expected(rows, chunk.range, column.field, column.type);
        const FieldStatistics& got = column.statistics;
        EXPECT_EQ(got.count, want.count);
        EXPECT_TRUE(got.min == want.min);
        EXPECT_TRUE(got.max == want.max);
        EXPECT_TRUE(SameSum(got.sum, want.sum)) << "series=" << series << " field=" << column.field;
        EXPECT_TRUE(got.first == want.first);
        EXPECT_TRUE(got.last == want.last);
        EXPECT_EQ(got.min_time, want.min_time);
        EXPECT_EQ(got.max_time, want.max_time);
        EXPECT_EQ(got.first_time, want.first_time);
        EXPECT_EQ(got.last_time, want.last_time);
      }
    }
  }
}

Data RandomData(std::mt19937_64& random) {
  Data data;
  Types types;
  const size_t series_count = 1 + random() % 40;
  SeriesId series = static_cast<SeriesId>(random() % 1000);
  for (size_t i = 0; i < series_count; ++i) {
    const size_t sizes[] = {1 + random() % 3, 1 + random() % 20, 1 + random() % 300,
                            1 + random() % 3000};
    const size_t fields = 1 + random() % (random() % 8 == 0 ? 20 : 4);
    const auto first_field = static_cast<FieldId>(random() % 3 * 1000);
    data[series] =
        testing::RandomRows(random, sizes[random() % (i < 3 ? 4 : 3)], &types, fields, first_field);
    series += 1 + static_cast<SeriesId>(random() % (random() % 4 == 0 ? 100000 : 2));
  }
  return data;
}

TEST_F(FileTest, RandomRowsComeBackWithTheirStatistics) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const Data data = testing::Compact(RandomData(random));
    if (data.empty()) continue;
    const size_t pieces[] = {1, 77, 1000, 5000};
    const FileInfo info = Write(data, {.cold = seed % 3 == 0}, pieces[random() % 4]);
    auto file = Open(info);
    auto read = ReadData(*file);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_TRUE(testing::Compact(*read) == data);
    ExpectStatistics(*file, data);
    const absl::Status verified = file->Verify();
    EXPECT_TRUE(verified.ok()) << verified;

    auto cursor = file->NewCursor();
    for (int i = 0; i < 300; ++i) {  // in any order
      auto at = data.begin();
      std::advance(at, random() % data.size());
      const SeriesId series = at->first + static_cast<SeriesId>(random() % 2);
      auto found = cursor->Seek(series);
      ASSERT_TRUE(found.ok());
      ASSERT_EQ(*found, data.contains(series)) << series;
      if (*found) {
        EXPECT_EQ(cursor->series(), series);
        Rows rows;
        ASSERT_TRUE(ReadRows(*cursor, &rows).ok());
        std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
        ASSERT_TRUE(rows == data.at(series));
      }
    }
  }
}

TEST_F(FileTest, WalksGoOnBehindASeek) {
  Data data;
  for (SeriesId series = 0; series < 5000; ++series) data[series * 2] = {{1, {{1, F(series)}}}};
  auto file = Open(Write(data));
  auto cursor = file->NewCursor();
  EXPECT_FALSE(*cursor->Seek(4001));
  EXPECT_EQ(cursor->chunks().size(), 0u);
  ASSERT_TRUE(*cursor->NextSeries());
  EXPECT_EQ(cursor->series(), 4002u);
  ASSERT_TRUE(*cursor->Seek(9998));
  EXPECT_FALSE(*cursor->NextSeries());
  EXPECT_FALSE(*cursor->NextSeries());
  EXPECT_FALSE(*cursor->Seek(10001));
  ASSERT_TRUE(*cursor->Seek(0));
  ASSERT_TRUE(*cursor->Seek(0));
  ASSERT_TRUE(*cursor->NextSeries());
  EXPECT_EQ(cursor->series(), 2u);
  EXPECT_FALSE(*cursor->Seek(model::kNoId));
}

TEST_F(FileTest, DecodedStringsOutliveTheMoveOfTheirCursor) {
  Data data;
  for (SeriesId series = 0; series < 5000; ++series) {
    data[series] = {{1, {{1, S("text of " + std::to_string(series))}}}, {2, {{2, F(1)}}}};
  }
  auto file = Open(Write(data));
  auto cursor = file->NewCursor();
  DecodedColumn column;
  ASSERT_TRUE(*cursor->Seek(3));
  ASSERT_TRUE(cursor->ReadColumn(0, 0, &column).ok());
  const model::ColumnVector view = column.View();
  ASSERT_TRUE(*cursor->Seek(4900));
  cursor.reset();
  EXPECT_EQ(view.At(0).as_string(), "text of 3");
  EXPECT_TRUE(view.At(1).is_null());
}

TEST_F(FileTest, TimesAtTheEndsOfTime) {
  Data data;
  for (size_t rows : {2, 9, 40}) {
    Rows& into = data[static_cast<SeriesId>(rows)];
    into[model::kMinTimeNs] = {{1, F(1)}};
    for (size_t i = 0; i < rows - 2; ++i) into[static_cast<int64_t>(i * i)] = {{1, F(1)}};
    into[model::kMaxTimeNs] = {{1, F(1)}};
  }
  auto file = Open(Write(data));
  auto read = ReadData(*file);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, data);
  EXPECT_TRUE(file->Verify().ok());
}

}  // namespace
}  // namespace varve::tsm
