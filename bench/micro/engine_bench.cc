// The engine as a whole: ingest through Store::Write, scans, flush and replay.
//
// Devops-shaped data: hosts with ten tags, nine measurements of 7 to 21 fields, a point every ten
// seconds, bodies of 5,000 lines; sync off, in a folder of the system's temporary one. Each
// benchmark checks its answer.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/env.h"
#include "base/status.h"
#include "base/strings.h"
#include "engine/store.h"

namespace varve::engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;
constexpr size_t kLinesPerBody = 5000;

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              base::StrCat("engine_bench_", ::getpid(), "_", ++count_)) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string Below(const char* name) const { return (path_ / name).string(); }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

// One database, shards of a week.
class WeekRouter : public model::ShardRouter {
 public:
  absl::StatusOr<model::WriteTarget> FindTarget(std::string_view, std::string_view) override {
    model::WriteTarget target;
    target.database = 0;
    return target;
  }
  absl::StatusOr<model::ShardRoute> RouteShard(const model::WriteTarget&, int64_t time) override {
    constexpr int64_t kWeek = 7 * 86400 * kSecond;
    KnownShard& shard = shards_[time / kWeek];
    shard.database = 0;
    shard.shard = static_cast<model::ShardId>(time / kWeek);
    shard.range = {time / kWeek * kWeek, time / kWeek * kWeek + kWeek - 1};
    return model::ShardRoute{shard.shard, shard.range};
  }
  std::vector<KnownShard> Known() const {
    std::vector<KnownShard> known;
    for (const auto& [slot, shard] : shards_) known.push_back(shard);
    return known;
  }

 private:
  std::map<int64_t, KnownShard> shards_;
};

struct Bodies {
  std::vector<std::string> texts;
  uint64_t lines = 0;
  uint64_t values = 0;
};

// `hosts` hosts, `rounds` points of each measurement and host, in order of time.
Bodies MakeBodies(int hosts, int rounds) {
  static constexpr std::pair<const char*, int> kMeasurements[] = {
      {"cpu", 10}, {"diskio", 7}, {"disk", 7},       {"kernel", 7}, {"mem", 9},
      {"net", 8},  {"nginx", 7},  {"postgresl", 16}, {"redis", 21}};
  std::mt19937_64 random(7);
  Bodies bodies;
  std::string body;
  size_t in_body = 0;
  for (int round = 0; round < rounds; ++round) {
    for (int host = 0; host < hosts; ++host) {
      const std::string tags = base::StrCat(
          ",arch=x64,datacenter=eu-west-1b,hostname=host_", host,
          ",os=Ubuntu16.04LTS,rack=", host % 100, ",region=eu-west-1,service=", host % 20,
          ",service_environment=production,service_version=1,team=SF ");
      for (const auto& [name, fields] : kMeasurements) {
        base::StrAppend(body, name, tags);
        for (int field = 0; field < fields; ++field) {
          base::StrAppend(body, field == 0 ? "" : ",", name, "_usage_", field, "=");
          if (name[0] == 'c') {
            base::StrAppend(body, static_cast<double>(random() % 1000) / 10);
          } else {
            base::StrAppend(body, random() % 100000, "i");
          }
        }
        base::StrAppend(body, " ", kStart + round * 10 * kSecond, "\n");
        bodies.values += static_cast<uint64_t>(fields);
        ++bodies.lines;
        if (++in_body == kLinesPerBody) {
          bodies.texts.push_back(std::move(body));
          body.clear();
          in_body = 0;
        }
      }
    }
  }
  if (in_body != 0) bodies.texts.push_back(std::move(body));
  return bodies;
}

class Bench {
 public:
  explicit Bench(bool background) {
    options_.data_folder = folder_.Below("data");
    options_.wal_folder = folder_.Below("wal");
    options_.sync = wal::SyncPolicy::kOff;
    options_.background = background;
    options_.cache_bytes_max = uint64_t{4} << 30;
    Open();
  }
  void Open() {
    store_.reset();
    auto store = Store::Open(base::Env::Default(), options_, router_.Known(), router_);
    CHECK(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }
  void Write(const std::string& body) {
    WriteRequest request;
    request.body = body;
    const WriteResult result = store_->WriteAndWait(request);
    CHECK(result.status.ok()) << result.status.ToString();
  }
  void WriteAll(const Bodies& bodies) {
    for (const auto& body : bodies.texts) Write(body);
  }
  Store& store() { return *store_; }
  std::shared_ptr<const ReadView> View() {
    auto view = store_->OpenView(0, router_.Known());
    CHECK(view.ok());
    return *view;
  }

 private:
  Folder folder_;
  StoreOptions options_;
  WeekRouter router_;
  std::unique_ptr<Store> store_;
};

void PerValue(benchmark::State& state, uint64_t values) {
  state.counters["values"] = static_cast<double>(values);
  state.counters["s_per_value"] = benchmark::Counter(
      static_cast<double>(values),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// Values already known: the second pass over the same series.
void BM_Ingest(benchmark::State& state) {
  const Bodies first = MakeBodies(100, 1);
  const Bodies bodies = MakeBodies(100, 100);
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>(state.range(0) != 0);
    bench->WriteAll(first);
    state.ResumeTiming();
    bench->WriteAll(bodies);
    state.PauseTiming();
    CHECK_EQ(bench->store().Status().values_written, bodies.values + first.values);
    bench.reset();
    state.ResumeTiming();
  }
  PerValue(state, bodies.values);
}
BENCHMARK(BM_Ingest)
    ->ArgName("flush")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_IngestNewSeries(benchmark::State& state) {
  const Bodies bodies = MakeBodies(10'000, 2);
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>(false);
    state.ResumeTiming();
    bench->WriteAll(bodies);
    state.PauseTiming();
    state.counters["cache_bytes_per_series"] =
        static_cast<double>(bench->store().Status().cache_bytes) / 90'000;
    bench.reset();
    state.ResumeTiming();
  }
  PerValue(state, bodies.values);
}
BENCHMARK(BM_IngestNewSeries)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

void BM_Flush(benchmark::State& state) {
  const Bodies bodies = MakeBodies(100, 100);
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>(false);
    bench->WriteAll(bodies);
    state.ResumeTiming();
    CHECK(bench->store().Flush(false).ok());
    state.PauseTiming();
    uint64_t bytes = 0;
    for (const auto& shard : bench->store().Shards()) bytes += shard.disk_bytes;
    state.counters["disk_bytes_per_value"] =
        static_cast<double>(bytes) / static_cast<double>(bodies.values);
    bench.reset();
    state.ResumeTiming();
  }
  PerValue(state, bodies.values);
}
BENCHMARK(BM_Flush)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

void BM_Replay(benchmark::State& state) {
  const Bodies bodies = MakeBodies(100, 200);
  Bench bench(false);
  bench.WriteAll(bodies);
  for (auto _ : state) bench.Open();
  PerValue(state, bodies.values);
}
BENCHMARK(BM_Replay)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// All fields of cpu over all hosts: 0 from the cache, 1 from a file, 2 from a cold file.
void BM_Scan(benchmark::State& state) {
  const Bodies bodies = MakeBodies(100, 1000);
  Bench bench(false);
  bench.WriteAll(bodies);
  if (state.range(0) != 0) CHECK(bench.store().Flush(state.range(0) == 2).ok());
  uint64_t values = 0;
  for (auto _ : state) {
    values = 0;
    double sum = 0;
    const auto view = bench.View();
    ScanOptions scan;
    for (const auto& field : view->Fields("cpu"))
      scan.fields.push_back({field.field, field.types[0]});
    const auto scanner = view->NewScanner(scan);
    ScanStep step;
    for (model::SeriesId id : view->Match("cpu", index::TagPredicate::All()).ToVector()) {
      CHECK(scanner->Seek(id).ok());
      while (scanner->Next(&step).ok() && step.kind == ScanStep::Kind::kRows) {
        for (const auto& column : step.rows.columns) {
          for (size_t i = 0; i < step.rows.rows; ++i) sum += column.floats[i];
        }
        values += step.rows.rows * step.rows.columns.size();
      }
    }
    benchmark::DoNotOptimize(sum);
    CHECK_EQ(values, uint64_t{100} * 1000 * 10);
  }
  PerValue(state, values);
}
BENCHMARK(BM_Scan)->ArgName("where")->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

// A million series with one row each: what a step to the next series costs.
void BM_SeekEverySeries(benchmark::State& state) {
  constexpr int kSeries = 1'000'000;
  Bench bench(false);
  std::string body;
  for (int i = 0; i < kSeries; ++i) {
    base::StrAppend(body, "m,t=", i, " v=", i, "i ", kStart, "\n");
    if (i % 10'000 != 9'999) continue;
    bench.Write(body);
    body.clear();
  }
  state.counters["cache_bytes_per_series"] =
      static_cast<double>(bench.store().Status().cache_bytes) / kSeries;
  if (state.range(0) != 0) CHECK(bench.store().Flush(false).ok());
  for (auto _ : state) {
    const auto view = bench.View();
    ScanOptions scan;
    scan.fields = {{view->Fields("m")[0].field, model::FieldType::kInteger}};
    const auto scanner = view->NewScanner(scan);
    ScanStep step;
    int64_t sum = 0;
    for (model::SeriesId id = 0; id < kSeries; ++id) {
      CHECK(scanner->Seek(id).ok());
      CHECK(scanner->Next(&step).ok());
      sum += step.rows.columns[0].integers[0];
      CHECK(scanner->Next(&step).ok());
    }
    CHECK_EQ(sum, int64_t{kSeries} * (kSeries - 1) / 2);
  }
  PerValue(state, kSeries);
}
BENCHMARK(BM_SeekEverySeries)->ArgName("file")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace varve::engine

BENCHMARK_MAIN();
