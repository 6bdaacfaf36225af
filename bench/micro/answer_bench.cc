// Writing answers as JSON, CSV and MessagePack: time per cell and bytes per cell, by kind of cell.
//
// Each benchmark checks once that the answer ends as it should and does not change.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http/encoder.h"

namespace varve::http {
namespace {

using query::Cell;

constexpr size_t kRows = 1000;
constexpr size_t kColumns = 11;  // the time and ten values

enum Kind { kIntegers, kTwoDecimals, kFullDoubles, kStrings, kNulls };
constexpr const char* kKindNames[] = {"integers", "two_decimals", "full_doubles", "strings",
                                      "nulls"};

class CountingSink : public ByteSink {
 public:
  absl::Status Write(std::string_view some, bool) override {
    bytes += some.size();
    if (!some.empty()) last = some.back();
    return absl::OkStatus();
  }
  size_t bytes = 0;
  char last = 0;
};

Cell MakeCell(int kind, std::mt19937_64& random) {
  switch (kind) {
    case kIntegers:
      return Cell::Integer(static_cast<int64_t>(random() % 101));
    case kTwoDecimals:
      return Cell::Float(static_cast<double>(random() % 10'000) / 100);
    case kFullDoubles:
      return Cell::Float(static_cast<double>(random()) / 0x1p64 * 100);
    case kStrings:
      return Cell::String("eu-central-1");
    default:
      return Cell::Null();
  }
}

query::RowBatch MakeRows(int kind, const query::SeriesHeader& header) {
  std::mt19937_64 random(7);
  query::RowBatch batch;
  batch.header = &header;
  batch.new_series = true;
  batch.rows = kRows;
  for (size_t row = 0; row < kRows; ++row) {
    batch.cells.push_back(
        Cell::Time(1'700'000'000'000'000'000 + static_cast<int64_t>(row) * 10'000'000'000));
    for (size_t i = 1; i < kColumns; ++i) batch.cells.push_back(MakeCell(kind, random));
  }
  return batch;
}

// Encodes one answer; returns its bytes, 0 after an error.
size_t Encode(const EncodeOptions& options, const query::RowBatch& batch) {
  CountingSink sink;
  const auto encoder = NewEncoder(options, sink);
  const bool written = encoder->BeginStatement(0).ok() && encoder->Rows(batch).ok() &&
                       encoder->EndStatement(absl::OkStatus()).ok() && encoder->Finish().ok();
  const bool ends = options.format == Format::kMsgPack || sink.last == '\n';
  return written && ends ? sink.bytes : 0;
}

void Measure(benchmark::State& state, const EncodeOptions& options, int kind) {
  query::SeriesHeader header;
  header.name = "cpu";
  header.columns = {"time"};
  for (size_t i = 1; i < kColumns; ++i) header.columns.push_back("usage_" + std::to_string(i));
  const query::RowBatch batch = MakeRows(kind, header);
  const size_t bytes = Encode(options, batch);
  if (bytes == 0) return state.SkipWithError("the answer does not end");
  for (auto _ : state) {
    if (Encode(options, batch) != bytes) return state.SkipWithError("the answer changes");
  }
  constexpr double kCells = kRows * kColumns;
  state.counters["bytes_per_cell"] = static_cast<double>(bytes) / kCells;
  state.counters["per_cell"] =
      benchmark::Counter(kCells * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void RegisterAll() {
  struct Form {
    const char* name;
    EncodeOptions options;
  };
  EncodeOptions epoch_ms, csv, msgpack;
  epoch_ms.epoch_ns = 1'000'000;
  csv.format = Format::kCsv;
  msgpack.format = Format::kMsgPack;
  for (const Form& form : {Form{"json", {}}, Form{"json_epoch_ms", epoch_ms}, Form{"csv", csv},
                           Form{"msgpack", msgpack}}) {
    for (int kind = kIntegers; kind <= kNulls; ++kind) {
      const std::string name = std::string(form.name) + "/" + kKindNames[kind];
      benchmark::RegisterBenchmark(
          name.c_str(),
          [=, options = form.options](benchmark::State& state) { Measure(state, options, kind); });
    }
  }
}

}  // namespace
}  // namespace varve::http

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "built for debugging: no measurement\n");
  return 1;
#endif
  varve::http::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
