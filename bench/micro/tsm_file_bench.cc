// TSM files: writing, seeking, reading statistics, decoding, merging.
//
// Two data sets: "wide", 10 fields of 8 chunks of 1,024 rows of 100 series (as a monitoring agent
// writes), and "short", 2 rows of one field of 1,000,000 series. Files lie in a folder of the
// system's temporary one. Each benchmark checks its answer.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/env.h"
#include "tsm/file.h"
#include "tsm/merge.h"

namespace varve::tsm {
namespace {

using model::FieldId;
using model::SeriesId;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;
constexpr SeriesId kWideSeries = 100;
constexpr size_t kWideFields = 10;
constexpr size_t kWideChunks = 8;
constexpr size_t kWideValues = kWideSeries * kWideFields * kWideChunks * kChunkRows;
constexpr SeriesId kShortSeries = 1'000'000;

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("tsm_file_bench_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

const std::string& FolderPath() {
  static const Folder folder;
  static const std::string path = folder.path();
  return path;
}

// The rows of one wide series: integer-valued floats that wander, `jitter` in the times.
struct WideRows {
  std::vector<int64_t> times;
  std::vector<std::vector<double>> values;
  std::vector<FieldId> fields;

  WideRows(uint64_t seed, size_t rows, int64_t start, bool jitter) {
    std::mt19937_64 random(seed);
    for (size_t row = 0; row < rows; ++row) {
      times.push_back(start + static_cast<int64_t>(row) * 10 * kSecond +
                      (jitter ? static_cast<int64_t>(random() % 1'000'000) : 0));
    }
    for (size_t field = 0; field < kWideFields; ++field) {
      fields.push_back(static_cast<FieldId>(field));
      std::vector<double>& column = values.emplace_back();
      double level = static_cast<double>(random() % 100);
      for (size_t row = 0; row < rows; ++row) {
        level = std::fmin(std::fmax(level + static_cast<double>(random() % 3) - 1, 0), 100);
        column.push_back(level);
      }
    }
  }
  model::ColumnBatch Batch() const {
    model::ColumnBatch batch;
    batch.rows = times.size();
    batch.times = times.data();
    for (const auto& column : values) {
      model::ColumnVector vector;
      vector.type = model::FieldType::kFloat;
      vector.floats = column.data();
      batch.columns.push_back(vector);
    }
    return batch;
  }
};

FileInfo WriteWide(const std::string& name, size_t rows, int64_t start, bool jitter, bool cold) {
  auto writer =
      FileWriter::Create(base::Env::Default(), FolderPath(), name, {.cold = cold}).value();
  const WideRows wide(1, rows, start, jitter);
  for (SeriesId series = 0; series < kWideSeries; ++series) {
    CHECK(writer->Add(series, wide.fields, wide.Batch()).ok());
  }
  return writer->Finish().value();
}

FileInfo WriteShort(const std::string& name) {
  auto writer = FileWriter::Create(base::Env::Default(), FolderPath(), name, {}).value();
  std::mt19937_64 random(1);
  int64_t times[2];
  double values[2];
  const FieldId field = 7;
  model::ColumnBatch batch;
  batch.rows = 2;
  batch.times = times;
  batch.columns.resize(1);
  batch.columns[0].type = model::FieldType::kFloat;
  batch.columns[0].floats = values;
  for (SeriesId series = 0; series < kShortSeries; ++series) {
    times[0] = kStart + static_cast<int64_t>(random() % 10) * kSecond;
    times[1] = times[0] + 10 * kSecond;
    for (double& value : values) value = static_cast<double>(random() % 10000) / 100;
    CHECK(writer->Add(series, {&field, 1}, batch).ok());
  }
  return writer->Finish().value();
}

std::shared_ptr<FileReader> Open(const FileInfo& info) {
  return FileReader::Open(base::Env::Default(), FolderPath(), info).value();
}

const FileInfo& Wide() {
  static const FileInfo info =
      WriteWide("wide.tsm", kWideChunks * kChunkRows, kStart, false, false);
  return info;
}
const FileInfo& WideJitter() {
  static const FileInfo info =
      WriteWide("jitter.tsm", kWideChunks * kChunkRows, kStart, true, false);
  return info;
}
const FileInfo& Short() {
  static const FileInfo info = WriteShort("short.tsm");
  return info;
}

void Rate(benchmark::State& state, const char* what, double items) {
  state.counters[std::string(what) + "/s"] = benchmark::Counter(
      items * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters[std::string("ns/") + what] =
      benchmark::Counter(items * static_cast<double>(state.iterations()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_WriteWide(benchmark::State& state) {
  FileInfo info;
  for (auto _ : state) {
    info = WriteWide("w.tsm", kWideChunks * kChunkRows, kStart, state.range(0) != 0,
                     state.range(1) != 0);
  }
  CHECK_EQ(info.values, kWideValues);
  state.counters["bytes/value"] =
      static_cast<double>(info.bytes) / static_cast<double>(info.values);
  Rate(state, "value", static_cast<double>(kWideValues));
}
BENCHMARK(BM_WriteWide)
    ->ArgNames({"jitter", "cold"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 1})
    ->Unit(benchmark::kMillisecond);

void BM_WriteShort(benchmark::State& state) {
  FileInfo info;
  for (auto _ : state) info = WriteShort("s.tsm");
  state.counters["bytes/series"] = static_cast<double>(info.bytes) / kShortSeries;
  Rate(state, "series", kShortSeries);
}
BENCHMARK(BM_WriteShort)->Unit(benchmark::kMillisecond);

void BM_OpenShort(benchmark::State& state) {
  Short();
  for (auto _ : state) benchmark::DoNotOptimize(Open(Short()));
}
BENCHMARK(BM_OpenShort);

void BM_SeekShort(benchmark::State& state) {
  const auto step = static_cast<SeriesId>(state.range(0));
  auto cursor = Open(Short())->NewCursor();
  for (auto _ : state) {
    uint64_t count = 0;
    for (SeriesId series = 0; series < kShortSeries; series += step) {
      if (*cursor->Seek(series)) count += cursor->chunks()[0].columns[0].statistics.count;
    }
    CHECK_EQ(count, uint64_t{2} * ((kShortSeries + step - 1) / step));
  }
  Rate(state, "series", static_cast<double>(kShortSeries) / step);
}
BENCHMARK(BM_SeekShort)->ArgName("step")->Arg(1)->Arg(10)->Arg(1000)->Unit(benchmark::kMillisecond);

// Every series in turn, statistics of all fields or of one.
void BM_StatisticsWide(benchmark::State& state) {
  auto cursor = Open(state.range(1) != 0 ? WideJitter() : Wide())->NewCursor();
  const FieldId field = 3;
  if (state.range(0) != 0) cursor->SelectFields({&field, 1});
  const size_t fields = state.range(0) != 0 ? 1 : kWideFields;
  for (auto _ : state) {
    uint64_t count = 0;
    for (SeriesId series = 0; series < kWideSeries; ++series) {
      CHECK(*cursor->Seek(series));
      for (const ChunkMeta& chunk : cursor->chunks()) {
        for (const ColumnMeta& column : chunk.columns) count += column.statistics.count;
      }
    }
    CHECK_EQ(count, kWideValues / kWideFields * fields);
  }
  Rate(state, "value", static_cast<double>(kWideValues / kWideFields * fields));
  Rate(state, "chunk", static_cast<double>(kWideSeries * kWideChunks));
}
BENCHMARK(BM_StatisticsWide)
    ->ArgNames({"one_field", "jitter"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 1});

void BM_DecodeWide(benchmark::State& state) {
  auto cursor = Open(state.range(1) != 0 ? WideJitter() : Wide())->NewCursor();
  const FieldId field = 3;
  if (state.range(0) != 0) cursor->SelectFields({&field, 1});
  const size_t fields = state.range(0) != 0 ? 1 : kWideFields;
  std::vector<int64_t> times;
  DecodedColumn decoded;
  for (auto _ : state) {
    uint64_t rows = 0;
    for (SeriesId series = 0; series < kWideSeries; ++series) {
      CHECK(*cursor->Seek(series));
      for (size_t i = 0; i < cursor->chunks().size(); ++i) {
        CHECK(cursor->ReadTimes(i, &times).ok());
        for (size_t column = 0; column < cursor->chunks()[i].columns.size(); ++column) {
          CHECK(cursor->ReadColumn(i, column, &decoded).ok());
          benchmark::DoNotOptimize(decoded.View().floats[0]);
          rows += times.size();
        }
      }
    }
    CHECK_EQ(rows, kWideValues / kWideFields * fields);
  }
  Rate(state, "value", static_cast<double>(kWideValues / kWideFields * fields));
}
BENCHMARK(BM_DecodeWide)
    ->ArgNames({"one_field", "jitter"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 1})
    ->Unit(benchmark::kMillisecond);

void BM_Verify(benchmark::State& state) {
  auto file = Open(Wide());
  for (auto _ : state) CHECK(file->Verify().ok());
  Rate(state, "value", static_cast<double>(kWideValues));
}
BENCHMARK(BM_Verify)->Unit(benchmark::kMillisecond);

enum MergeShape { kFollowing, kSmall, kOverwriting, kInterleaved };

// Merges four files: of full chunks that follow each other; of 300 rows that follow each other; of
// the same rows; of rows between each other's.
void BM_Merge(benchmark::State& state) {
  const auto shape = static_cast<MergeShape>(state.range(0));
  const size_t rows = shape == kSmall ? 300 : 2 * kChunkRows;
  std::vector<MergeInput> inputs;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t start = shape == kOverwriting ? kStart
                          : shape == kInterleaved
                              ? kStart + i
                              : kStart + i * 10 * kSecond * static_cast<int64_t>(rows);
    inputs.push_back({Open(WriteWide("m" + std::to_string(i) + ".tsm", rows, start, false, false)),
                      static_cast<uint64_t>(i)});
  }
  MergeOptions options;
  options.writer.cold = state.range(1) != 0;
  options.next_name = [] { return std::string("merged.tsm"); };
  const size_t values = 4 * rows * kWideFields * kWideSeries;
  for (auto _ : state) {
    auto files = MergeFiles(base::Env::Default(), FolderPath(), inputs, {}, options);
    CHECK(files.ok());
    CHECK_EQ(files->at(0).values, shape == kOverwriting ? values / 4 : values);
  }
  Rate(state, "value", static_cast<double>(values));
}
BENCHMARK(BM_Merge)
    ->ArgNames({"shape", "cold"})
    ->Args({kFollowing, 0})
    ->Args({kSmall, 0})
    ->Args({kOverwriting, 0})
    ->Args({kInterleaved, 0})
    ->Args({kFollowing, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace varve::tsm

BENCHMARK_MAIN();
