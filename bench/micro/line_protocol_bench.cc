// Reading line protocol, building write batches and reading them back, per field value.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "model/line_grammar.h"
#include "model/line_protocol.h"
#include "model/write_batch.h"

namespace varve::model {
namespace {

constexpr size_t kLines = 5000;
constexpr size_t kFields = 10;

enum Values : int64_t { kSmallFloats, kIntegers, kDecimals, kFullDoubles, kStrings };

std::string ValueText(int64_t kind, std::mt19937_64& random) {
  const double unit = std::uniform_real_distribution<double>(0, 1)(random);
  switch (kind) {
    case kSmallFloats:
      return base::StrCat(random() % 101);
    case kIntegers:
      return base::StrCat(random() % 10'000'000'000, "i");
    case kDecimals:
      return base::StrCat(random() % 100, ".", random() % 90 + 10);
    case kFullDoubles:
      return base::StrCat(unit * 100);
    default:
      return base::StrCat("\"state ", random() % 1000, "\"");
  }
}

// Lines like those of the Time Series Benchmark Suite's "cpu-only": ten tags, ten fields.
std::string DevopsBody(int64_t kind) {
  std::mt19937_64 random(7);
  std::string body;
  for (size_t i = 0; i < kLines; ++i) {
    base::StrAppend(body, "cpu,hostname=host_", random() % 4000, ",region=eu-west-", random() % 3,
                    ",datacenter=eu-west-1", "abc"[random() % 3], ",rack=", random() % 100,
                    ",os=Ubuntu16.10,arch=x", random() % 2 == 0 ? "64" : "86",
                    ",team=NYC,service=", random() % 20, ",service_version=", random() % 2,
                    ",service_environment=production ");
    static constexpr std::string_view kNames[kFields] = {
        "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
        "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"};
    for (size_t f = 0; f < kFields; ++f) {
      base::StrAppend(body, f == 0 ? "" : ",", kNames[f], "=", ValueText(kind, random));
    }
    base::StrAppend(body, " ", 1451606400000000000 + 10'000'000'000 * int64_t(i / 4000), "\n");
  }
  return body;
}

void PerValue(benchmark::State& state, const std::string& body) {
  state.SetItemsProcessed(state.iterations() * int64_t{kLines * kFields});
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
  state.counters["ns/value"] = benchmark::Counter(
      double(kLines * kFields) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void ReadLines(benchmark::State& state) {
  const std::string body = DevopsBody(state.range(0));
  for (auto _ : state) {
    LineReader reader(body, Precision::kNs, 0);
    Line line;
    size_t fields = 0;
    while (reader.Next(&line)) fields += line.fields.size();
    CHECK_EQ(fields, kLines * kFields);
  }
  PerValue(state, body);
}
BENCHMARK(ReadLines)->DenseRange(kSmallFloats, kStrings);

void ReadLinesByGrammar(benchmark::State& state) {
  const std::string body = DevopsBody(state.range(0));
  for (auto _ : state) {
    std::vector<LineField> fields;
    std::string text;
    std::string why;
    Line line;
    size_t total = 0;
    for (size_t at = 0; at < body.size();) {
      const size_t end = FindLineEnd(body, at);
      CHECK(ParseLine(body.substr(at, end - at), {}, &fields, &text, &line, &why) ==
            LineKind::kGood);
      total += fields.size();
      at = end + 1;
    }
    CHECK_EQ(total, kLines * kFields);
  }
  PerValue(state, body);
}
BENCHMARK(ReadLinesByGrammar)->DenseRange(kSmallFloats, kStrings);

struct Rows {
  std::string body;
  std::vector<FieldValue> values;
  std::vector<LayoutField> layout;
};

Rows ParsedRows(int64_t kind) {
  Rows rows;
  rows.body = DevopsBody(kind);
  LineReader reader(rows.body, Precision::kNs, 0);
  Line line;
  while (reader.Next(&line)) {
    rows.layout.clear();
    for (const LineField& field : line.fields) {
      rows.layout.push_back({static_cast<FieldId>(rows.layout.size()), field.value.type()});
      rows.values.push_back(field.value);
    }
  }
  return rows;
}

std::string BuildBatch(const Rows& rows, WriteBatchBuilder& builder) {
  const size_t shard = builder.Shard(1);
  const uint32_t layout = builder.AddLayout(0, rows.layout);
  for (size_t i = 0; i < kLines; ++i) {
    builder.AddRow(shard, static_cast<SeriesId>(i * 7919 % 4000), layout, 1451606400000000000,
                   std::span(rows.values).subspan(i * kFields, kFields));
  }
  return builder.Finish();
}

void BuildBatches(benchmark::State& state) {
  const Rows rows = ParsedRows(state.range(0));
  WriteBatchBuilder builder(1);
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = BuildBatch(rows, builder).size();
    benchmark::DoNotOptimize(bytes);
  }
  PerValue(state, rows.body);
  state.counters["bytes/value"] = static_cast<double>(bytes) / (kLines * kFields);
}
BENCHMARK(BuildBatches)->DenseRange(kSmallFloats, kFullDoubles);

void ReadBatches(benchmark::State& state) {
  const Rows rows = ParsedRows(state.range(0));
  WriteBatchBuilder builder(1);
  const std::string bytes = BuildBatch(rows, builder);
  for (auto _ : state) {
    const auto reader = WriteBatchReader::Open(bytes).value();
    ShardId shard;
    size_t count;
    CHECK(reader->NextShard(&shard, &count).value());
    WriteBatchReader::Row row;
    size_t i = 0;
    while (reader->NextRow(&row).value()) {
      CHECK(row.values[3] == rows.values[i + 3]);
      i += kFields;
    }
    CHECK_EQ(i, kLines * kFields);
  }
  PerValue(state, rows.body);
}
BENCHMARK(ReadBatches)->DenseRange(kSmallFloats, kFullDoubles);

}  // namespace
}  // namespace varve::model

BENCHMARK_MAIN();
