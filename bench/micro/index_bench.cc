// The series table and the shard index with a million series: look-up, registration, opening,
// predicates, and bytes a series on disk and in memory (the counters).
//
// Files go to a folder under TMPDIR and are removed.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/env.h"
#include "base/strings.h"
#include "index/inspect.h"
#include "index/predicate.h"
#include "index/series_table.h"
#include "index/shard_index.h"

namespace varve::index {
namespace {

constexpr uint32_t kSeries = 1'000'000;
enum Shape { kHosts = 0, kSensors = 1 };

// Hosts come in random order, as they do when many begin to write at once; sensors ascend.
const std::vector<std::string>& Keys(int shape) {
  static const auto* keys = [] {
    auto* made = new std::vector<std::string>[2];
    std::mt19937_64 random(42);
    std::vector<uint32_t> order(kSeries);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    const char* regions[] = {"ap-northeast-1", "ap-southeast-1", "eu-central-1", "eu-west-1",
                             "sa-east-1",      "us-east-1",      "us-west-1",    "us-west-2"};
    const char* systems[] = {"Ubuntu15.10", "Ubuntu16.04LTS", "Ubuntu16.10"};
    for (uint32_t i = 0; i < kSeries; ++i) {
      made[kHosts].push_back(base::StrCat("cpu,host=host_", order[i], ",os=", systems[random() % 3],
                                          ",rack=", random() % 100,
                                          ",region=", regions[random() % 8]));
      made[kSensors].push_back(base::StrCat("temperature,floor=", i / 20'000, ",sensor=s", i));
    }
    return made;
  }();
  return keys[shape];
}

class Folder {
 public:
  Folder() {
    const char* tmp = std::getenv("TMPDIR");
    path_ = base::StrCat(tmp != nullptr ? tmp : "/tmp", "/varve_index_bench_XXXXXX");
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~Folder() { base::Env::Default().RemoveTree(path_).IgnoreError(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long total = 0;
  long resident = 0;
  CHECK(file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) == 2);
  std::fclose(file);
  return static_cast<double>(resident) * 4096;
}

std::unique_ptr<SeriesTable> OpenTable(const std::string& folder) {
  auto table = SeriesTable::Open(base::Env::Default(), folder);
  CHECK(table.ok()) << table.status();
  return std::move(*table);
}

std::unique_ptr<ShardIndex> OpenShard(const std::string& folder, const SeriesTable& table) {
  auto index = ShardIndex::Open(base::Env::Default(), folder, table);
  CHECK(index.ok()) << index.status();
  return std::move(*index);
}

void RegisterAll(SeriesTable& table, int shape) {
  for (const std::string& key : Keys(shape)) {
    CHECK(table.Register(key, [](std::string) { return absl::OkStatus(); }).ok());
  }
}

void BM_Register(benchmark::State& state) {
  const int shape = static_cast<int>(state.range(0));
  Keys(shape);
  for (auto _ : state) {
    state.PauseTiming();
    Folder folder;
    auto table = OpenTable(folder.path());
    const double before = ResidentBytes();
    state.ResumeTiming();
    RegisterAll(*table, shape);
    state.PauseTiming();
    state.counters["resident_per_series"] = (ResidentBytes() - before) / kSeries;
    state.counters["counted_per_series"] = static_cast<double>(table->memory_bytes()) / kSeries;
    table.reset();
    malloc_trim(0);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(BM_Register)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond)->Iterations(3);

// Batches of 5,000 lines of random series, one key at a time or all at once (many); the keys in
// memory or in segments.
void BM_Find(benchmark::State& state) {
  const auto& keys = Keys(static_cast<int>(state.range(0)));
  Folder folder;
  auto table = OpenTable(folder.path());
  RegisterAll(*table, static_cast<int>(state.range(0)));
  if (state.range(1) == 1) {
    CHECK(table->Flush().ok());
    table = OpenTable(folder.path());
  }
  std::mt19937_64 random(7);
  constexpr size_t kBatch = 5000;
  std::vector<uint32_t> ids(kBatch * 200);
  std::string body;  // keys behind each other, as in a request
  std::vector<size_t> ends;
  for (uint32_t& id : ids) {
    id = static_cast<uint32_t>(random() % kSeries);
    body += keys[id];
    ends.push_back(body.size());
  }
  std::vector<std::string_view> views;
  for (size_t i = 0; i < ends.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    views.push_back(std::string_view(body).substr(begin, ends[i] - begin));
  }
  std::vector<SeriesRef> refs(kBatch);
  size_t batch = 0;
  for (auto _ : state) {
    const size_t first = batch++ % 200 * kBatch;
    const auto lookup = table->NewLookup();
    if (state.range(2) == 1) {
      lookup->FindMany(std::span(views).subspan(first, kBatch), refs.data());
    } else {
      for (size_t i = 0; i < kBatch; ++i) lookup->Find(views[first + i], &refs[i]);
    }
    for (size_t i = 0; i < kBatch; ++i) CHECK(refs[i].series == ids[first + i]);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(BM_Find)
    ->ArgNames({"shape", "segments", "many"})
    ->ArgsProduct({{kHosts, kSensors}, {0, 1}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

void BM_TableFlush(benchmark::State& state) {
  const int shape = static_cast<int>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    Folder folder;
    auto table = OpenTable(folder.path());
    RegisterAll(*table, shape);
    state.ResumeTiming();
    CHECK(table->Flush().ok());
    state.PauseTiming();
    state.counters["disk_per_series"] = static_cast<double>(table->disk_bytes()) / kSeries;
    CHECK(VerifyIndex(base::Env::Default(), folder.path()).ok());
    state.ResumeTiming();
  }
}
BENCHMARK(BM_TableFlush)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond)->Iterations(1);

void BM_TableOpen(benchmark::State& state) {
  Folder folder;
  {
    auto table = OpenTable(folder.path());
    RegisterAll(*table, static_cast<int>(state.range(0)));
    CHECK(table->Flush().ok());
  }
  for (auto _ : state) {
    auto table = OpenTable(folder.path());
    CHECK(table->series_count() == kSeries);
    state.counters["memory_per_series"] = static_cast<double>(table->memory_bytes()) / kSeries;
  }
}
BENCHMARK(BM_TableOpen)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond);

void BM_KeyOf(benchmark::State& state) {
  Folder folder;
  auto table = OpenTable(folder.path());
  RegisterAll(*table, static_cast<int>(state.range(0)));
  CHECK(table->Flush().ok());
  const auto reader = table->NewKeyReader();
  std::string key;
  for (auto _ : state) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < kSeries; ++i) {
      reader->KeyOf(i, &key);
      bytes += key.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(BM_KeyOf)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond);

void BM_ShardAddSeries(benchmark::State& state) {
  Folder folder;
  auto table = OpenTable(folder.path());
  RegisterAll(*table, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    state.PauseTiming();
    Folder shard_folder;
    auto index = OpenShard(shard_folder.path(), *table);
    const double before = ResidentBytes();
    state.ResumeTiming();
    for (uint32_t i = 0; i < kSeries; ++i) index->AddSeries(i);
    state.PauseTiming();
    state.counters["resident_per_series"] = (ResidentBytes() - before) / kSeries;
    state.counters["counted_per_series"] = static_cast<double>(index->memory_bytes()) / kSeries;
    index.reset();
    malloc_trim(0);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(BM_ShardAddSeries)
    ->Arg(kHosts)
    ->Arg(kSensors)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

// A shard of a million series; in memory or (second argument 1) flushed and opened again.
struct Shard {
  Shard(int shape, bool flushed) {
    table = OpenTable(folder.path());
    RegisterAll(*table, shape);
    index = OpenShard(shard_folder.path(), *table);
    for (uint32_t i = 0; i < kSeries; ++i) index->AddSeries(i);
    if (!flushed) return;
    CHECK(index->Flush().ok());
    CHECK(VerifyIndex(base::Env::Default(), shard_folder.path()).ok());
    index.reset();
    index = OpenShard(shard_folder.path(), *table);
  }
  Folder folder;
  Folder shard_folder;
  std::unique_ptr<SeriesTable> table;
  std::unique_ptr<ShardIndex> index;
};

void BM_ShardFlush(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    Shard shard(static_cast<int>(state.range(0)), false);
    state.ResumeTiming();
    CHECK(shard.index->Flush().ok());
    state.PauseTiming();
    state.counters["disk_per_series"] = static_cast<double>(shard.index->disk_bytes()) / kSeries;
    state.ResumeTiming();
  }
}
BENCHMARK(BM_ShardFlush)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond)->Iterations(1);

void BM_ShardOpen(benchmark::State& state) {
  Shard shard(static_cast<int>(state.range(0)), true);
  for (auto _ : state) {
    auto index = OpenShard(shard.shard_folder.path(), *shard.table);
    CHECK(index->series_count() == kSeries);
    state.counters["memory_per_series"] = static_cast<double>(index->memory_bytes()) / kSeries;
  }
}
BENCHMARK(BM_ShardOpen)->Arg(kHosts)->Arg(kSensors)->Unit(benchmark::kMillisecond);

// What a query asks of a million hosts. First argument: in memory (0), in segments (1).
void MatchBench(benchmark::State& state, const TagPredicate& predicate, uint64_t at_least) {
  Shard shard(kHosts, state.range(0) == 1);
  for (auto _ : state) {
    const auto view = shard.index->View();
    const SeriesSet set = view->Match(0, predicate);
    CHECK(set.Count() >= at_least);
  }
}

void BM_MatchOneHost(benchmark::State& state) {
  MatchBench(state, TagPredicate::Compare(TagPredicate::Kind::kEqual, "host", "host_123456"), 1);
}
BENCHMARK(BM_MatchOneHost)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void BM_MatchRackAndRegion(benchmark::State& state) {
  MatchBench(state,
             TagPredicate::And(
                 {TagPredicate::Compare(TagPredicate::Kind::kEqual, "rack", "42"),
                  TagPredicate::Compare(TagPredicate::Kind::kNotEqual, "region", "eu-west-1")}),
             1000);
}
BENCHMARK(BM_MatchRackAndRegion)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void BM_MatchRegexHost(benchmark::State& state) {
  MatchBench(state,
             TagPredicate::Regex(TagPredicate::Kind::kMatch, "host", *TagRegex::Compile("7.7$")),
             1000);
}
BENCHMARK(BM_MatchRegexHost)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_TagValuesRack(benchmark::State& state) {
  Shard shard(kHosts, state.range(0) == 1);
  for (auto _ : state) CHECK(shard.index->View()->TagValues(0, "rack").size() == 100);
}
BENCHMARK(BM_TagValuesRack)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_TagValuesHost(benchmark::State& state) {
  Shard shard(kHosts, state.range(0) == 1);
  for (auto _ : state) CHECK(shard.index->View()->TagValues(0, "host").size() == kSeries);
}
BENCHMARK(BM_TagValuesHost)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// A view while series keep coming: the cost that a query pays for the series added since the last.
void BM_ViewAfterAdd(benchmark::State& state) {
  Folder folder;
  auto table = OpenTable(folder.path());
  RegisterAll(*table, kHosts);
  Folder shard_folder;
  auto index = OpenShard(shard_folder.path(), *table);
  uint32_t next = 0;
  while (next < kSeries / 2) index->AddSeries(next++);
  for (auto _ : state) {
    if (next < kSeries) index->AddSeries(next++);
    benchmark::DoNotOptimize(index->View());
  }
}
BENCHMARK(BM_ViewAfterAdd)->Unit(benchmark::kMicrosecond)->Iterations(10'000);

}  // namespace
}  // namespace varve::index

BENCHMARK_MAIN();
