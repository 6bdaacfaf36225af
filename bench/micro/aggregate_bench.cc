// The aggregates and selectors over vectors of a thousand rows: time per value, with all rows in
// one window and in windows of 60 rows, as GROUP BY time() has them.
//
// Each benchmark checks once that the function gives a point for every window; count, sum, min and
// max are compared with a plain loop.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "query/functions/function.h"

namespace varve::query {
namespace {

constexpr uint64_t kSeed = 20240601;
constexpr size_t kRows = model::kBatchRows;

// A column of one type with its times and its windows.
struct Column {
  Column(model::FieldType type, size_t rows_per_window) {
    std::mt19937_64 random(kSeed);
    buffer.Reset(type);
    double value = 50;
    for (size_t i = 0; i < kRows; ++i) {
      value = std::clamp(value + static_cast<double>(random() % 200) / 100 - 1, 0.0, 100.0);
      values.push_back(type == model::FieldType::kInteger ? static_cast<double>(int64_t(value))
                                                          : value);
      buffer.Append(type == model::FieldType::kInteger
                        ? model::FieldValue::Integer(static_cast<int64_t>(value))
                        : model::FieldValue::Float(value));
      times.push_back(static_cast<int64_t>(i) * 10'000'000'000);
    }
    for (size_t begin = 0; begin < kRows; begin += rows_per_window) {
      const size_t end = std::min(begin + rows_per_window, kRows);
      runs.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end),
                      static_cast<uint32_t>(runs.size())});
    }
  }

  model::ColumnBuffer buffer;
  std::vector<double> values;
  std::vector<int64_t> times;
  std::vector<Run> runs;
};

double AsDouble(const model::FieldValue& value) {
  return value.type() == model::FieldType::kFloat ? value.as_float()
                                                  : static_cast<double>(value.as_integer());
}

// Whether `name` is a function of the plain loop that gives another value for `run` than `found`.
bool IsWrong(std::string_view name, const Column& column, const Run& run, double found) {
  const auto begin = column.values.begin() + run.begin, end = column.values.begin() + run.end;
  if (name == "count") return found != static_cast<double>(end - begin);
  if (name == "sum") return std::abs(found - std::accumulate(begin, end, 0.0)) > 1e-6;
  if (name == "min") return found != *std::min_element(begin, end);
  if (name == "max") return found != *std::max_element(begin, end);
  return false;
}

bool IsRight(const Function& function, const Column& column, const Aggregator& aggregator) {
  for (const Run& run : column.runs) {
    Points points;
    aggregator.Emit(run.slot, 0, &points);
    if (points.values.empty()) return false;
    if (IsWrong(function.name, column, run, AsDouble(points.values[0]))) return false;
  }
  return true;
}

void Measure(benchmark::State& state, const Function& function, model::FieldType type,
             size_t rows_per_window) {
  const Column column(type, rows_per_window);
  const AggregateInput input{column.times.data(), column.buffer.View(), {}};
  AggregateOptions options;
  options.percentile = 99;
  options.n = 5;
  const auto fill = [&] {
    auto aggregator = function.make(type, options);
    aggregator->Resize(column.runs.size());
    aggregator->Update(input, column.runs);
    return aggregator;
  };
  if (!IsRight(function, column, *fill())) return state.SkipWithError("wrong values");
  for (auto _ : state) {
    const auto aggregator = fill();
    Points points;  // percentile() and its like do their work here
    for (const Run& run : column.runs) aggregator->Emit(run.slot, 0, &points);
    benchmark::DoNotOptimize(points.values.data());
  }
  state.counters["per_value"] =
      benchmark::Counter(static_cast<double>(kRows) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void RegisterAll() {
  for (const Function* function : AllFunctions()) {
    if (function->make == nullptr || function->first == FirstArgument::kWindows) continue;
    for (const auto& [type, type_name] : {std::pair(model::FieldType::kFloat, "float"),
                                          std::pair(model::FieldType::kInteger, "integer")}) {
      if (!function->takes.Contains(type) || function->make(type, {}) == nullptr) continue;
      for (const size_t rows : {kRows, size_t{60}}) {
        const std::string name =
            std::string(function->name) + "/" + type_name + "/rows:" + std::to_string(rows);
        benchmark::RegisterBenchmark(name.c_str(), [=, kind = type](benchmark::State& state) {
          Measure(state, *function, kind, rows);
        });
      }
    }
  }
}

}  // namespace
}  // namespace varve::query

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "built for debugging: no measurement\n");
  return 1;
#endif
  varve::query::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("seed", std::to_string(varve::query::kSeed));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
