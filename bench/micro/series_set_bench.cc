// The algebra of sets of series: union, intersection and difference of sets taken from a million
// ids, of every density a tag has, from one id to half of them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

#include "base/check.h"
#include "index/series_set.h"

namespace varve::index {
namespace {

constexpr uint32_t kSeries = 1'000'000;

// One of `one_in` ids, at random.
std::vector<model::SeriesId> Ids(int64_t one_in, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<model::SeriesId> ids;
  for (uint32_t id = 0; id < kSeries; ++id) {
    if (random() % static_cast<uint64_t>(one_in) == 0) ids.push_back(id);
  }
  return ids;
}

template <typename Apply, typename Plain>
void Measure(benchmark::State& state, Apply apply, Plain plain) {
  const auto left = Ids(state.range(0), 1), right = Ids(state.range(1), 2);
  std::vector<model::SeriesId> expected;
  plain(left, right, std::back_inserter(expected));
  const SeriesSet a(left), b(right);
  for (auto _ : state) {
    SeriesSet result = a;
    apply(result, b);
    benchmark::DoNotOptimize(result);
  }
  SeriesSet result = a;
  apply(result, b);
  CHECK(result.ToVector() == expected);
  state.counters["ids"] = static_cast<double>(result.Count());
}

void BM_Union(benchmark::State& state) {
  Measure(
      state, [](SeriesSet& a, const SeriesSet& b) { a |= b; },
      [](const auto& a, const auto& b, auto out) {
        std::set_union(a.begin(), a.end(), b.begin(), b.end(), out);
      });
}

void BM_Intersection(benchmark::State& state) {
  Measure(
      state, [](SeriesSet& a, const SeriesSet& b) { a &= b; },
      [](const auto& a, const auto& b, auto out) {
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), out);
      });
}

void BM_Difference(benchmark::State& state) {
  Measure(
      state, [](SeriesSet& a, const SeriesSet& b) { a -= b; },
      [](const auto& a, const auto& b, auto out) {
        std::set_difference(a.begin(), a.end(), b.begin(), b.end(), out);
      });
}

void Densities(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"one_in", "and_one_in"})
      ->Args({2, 2})
      ->Args({2, 100})
      ->Args({100, 100})
      ->Args({10'000, 2})
      ->Args({1'000'000, 2})
      ->Unit(benchmark::kMicrosecond);
}
BENCHMARK(BM_Union)->Apply(Densities);
BENCHMARK(BM_Intersection)->Apply(Densities);
BENCHMARK(BM_Difference)->Apply(Densities);

// One set of as many postings as there are values of a tag, as a regular expression finds them.
void BM_UnionOfMany(benchmark::State& state) {
  const auto values = static_cast<uint32_t>(state.range(0));
  std::vector<SeriesSet> postings(values);
  for (uint32_t id = 0; id < kSeries; ++id) postings[id % values].Add(id);
  for (auto _ : state) {
    SeriesSetBuilder builder;
    for (const SeriesSet& set : postings) builder.Add(set);
    CHECK(builder.Finish().Count() == kSeries);
  }
}
BENCHMARK(BM_UnionOfMany)
    ->ArgName("values")
    ->Arg(10)
    ->Arg(1000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace varve::index

BENCHMARK_MAIN();
