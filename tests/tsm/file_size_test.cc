// What a file costs beside its values: the budgets of the index.
#include <gtest/gtest.h>

#include <string>

#include "base/faulty_env.h"
#include "tests/tsm/tsm_testing.h"
#include "tsm/file.h"

namespace varve::tsm {
namespace {

using model::FieldId;
using model::SeriesId;

constexpr char kFolder[] = "/shard";
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

class FileSizeTest : public ::testing::Test {
 protected:
  FileSizeTest() {
    EXPECT_TRUE(env_.CreateDirs(kFolder).ok());
    writer_ = FileWriter::Create(env_, kFolder, "a.tsm", {}).value();
  }

  // `values` column by column.
  void Add(SeriesId series, const std::vector<int64_t>& times,
           const std::vector<std::vector<double>>& values) {
    model::ColumnBatch batch;
    batch.rows = times.size();
    batch.times = times.data();
    std::vector<FieldId> fields;
    for (const auto& column : values) {
      fields.push_back(static_cast<FieldId>(fields.size() + 5));
      model::ColumnVector vector;
      vector.type = model::FieldType::kFloat;
      vector.floats = column.data();
      batch.columns.push_back(vector);
    }
    ASSERT_TRUE(writer_->Add(series, fields, batch).ok());
  }

  // Finishes and returns the bytes that are not bytes of blocks.
  double Overhead() {
    info_ = writer_->Finish().value();
    auto file = FileReader::Open(env_, kFolder, info_).value();
    auto cursor = file->NewCursor();
    uint64_t blocks = 0;
    while (*cursor->NextSeries()) {
      for (const ChunkMeta& chunk : cursor->chunks()) {
        for (const ColumnMeta& column : chunk.columns) blocks += column.bytes;
      }
    }
    return static_cast<double>(info_.bytes - blocks);
  }

  base::FaultyEnv env_;
  std::unique_ptr<FileWriter> writer_;
  FileInfo info_;
  std::mt19937_64 random_{7};
};

TEST_F(FileSizeTest, ADevopsIndexCostsLittle) {
  std::vector<int64_t> times(1024);
  std::vector<std::vector<double>> values(10, std::vector<double>(1024));
  for (SeriesId series = 0; series < 50; ++series) {
    for (int64_t chunk = 0; chunk < 4; ++chunk) {
      for (int64_t row = 0; row < 1024; ++row) {
        times[static_cast<size_t>(row)] = kStart + (chunk * 1024 + row) * 10 * kSecond;
      }
      for (auto& column : values) {
        double level = static_cast<double>(random_() % 100);
        for (double& value : column) {
          level += static_cast<double>(random_() % 3) - 1;
          value = std::fmin(std::fmax(level, 0), 100);
        }
      }
      Add(series, times, values);
    }
  }
  const double overhead = Overhead() / static_cast<double>(info_.values);
  RecordProperty("bytes_per_value", std::to_string(overhead));
  EXPECT_LE(overhead, 0.03);
}

// What a flush writes that comes every ten minutes, before any merge.
TEST_F(FileSizeTest, SmallChunksOfWideSeriesCostLittle) {
  std::vector<int64_t> times(60);
  std::vector<std::vector<double>> values(10, std::vector<double>(60));
  for (SeriesId series = 0; series < 300; ++series) {
    for (size_t row = 0; row < 60; ++row) {
      times[row] = kStart + static_cast<int64_t>(row) * 10 * kSecond;
    }
    for (auto& column : values) {
      for (double& value : column) value = static_cast<double>(random_() % 100);
    }
    Add(series, times, values);
  }
  const double overhead = Overhead() / static_cast<double>(info_.values);
  RecordProperty("bytes_per_value", std::to_string(overhead));
  EXPECT_LE(overhead, 0.2);
}

// Two rows of one field for each of many series.
TEST_F(FileSizeTest, ShortSeriesCostLittle) {
  constexpr SeriesId kSeries = 50'000;
  std::vector<int64_t> times(2);
  std::vector<std::vector<double>> values(1, std::vector<double>(2));
  for (SeriesId series = 0; series < kSeries; ++series) {
    times[0] = kStart + static_cast<int64_t>(random_() % 10) * kSecond;
    times[1] = times[0] + 10 * kSecond;
    values[0][0] = static_cast<double>(random_() % 10000) / 100;
    values[0][1] = values[0][0] + static_cast<double>(random_() % 100) / 100;
    values[0][1] = std::nearbyint(values[0][1] * 100) / 100;
    Add(series, times, values);
  }
  Overhead();
  const double bytes = static_cast<double>(info_.bytes) / kSeries;
  RecordProperty("bytes_per_series", std::to_string(bytes));
  EXPECT_LE(bytes, 12);
}

TEST_F(FileSizeTest, ShortSeriesAtAnyTimeOfAnyValueStayInBudget) {
  constexpr SeriesId kSeries = 50'000;
  std::vector<int64_t> times(2);
  std::vector<std::vector<double>> values(1, std::vector<double>(2));
  for (SeriesId series = 0; series < kSeries; ++series) {
    times[0] = kStart + static_cast<int64_t>(random_() % 3'600'000) * 1'000'000;
    times[1] = times[0] + static_cast<int64_t>(random_() % 20'000) * 1'000'000 + 1'000'000;
    for (double& value : values[0]) value = static_cast<double>(random_() % 1'000'000) / 1000;
    Add(series, times, values);
  }
  Overhead();
  const double bytes = static_cast<double>(info_.bytes) / kSeries;
  RecordProperty("bytes_per_series", std::to_string(bytes));
  EXPECT_LE(bytes, 25);
}

}  // namespace
}  // namespace varve::tsm
