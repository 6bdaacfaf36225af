// The block codecs: bytes per value and time per value, by kind of column, hot and cold.
//
// Each benchmark checks once that what it decodes is what it encoded. CODEC_BENCH_LINES=FILE adds
// the float columns of a line protocol file, measurement by measurement.
#include <benchmark/benchmark.h>

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm {
namespace {

constexpr uint64_t kSeed = 20240601;

template <typename Encode, typename Decode>
void Register(const std::string& name, size_t count, bool cold, Encode encode, Decode decode) {
  const std::string suffix = name + (cold ? "/cold" : "/hot");
  const auto finish = [count](benchmark::State& state, const std::string& block) {
    state.counters["bytes/value"] = static_cast<double>(block.size()) / static_cast<double>(count);
    state.counters["ns/value"] = benchmark::Counter(
        static_cast<double>(count) * static_cast<double>(state.iterations()) / 1e9,
        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.SetLabel(CodecName(block));
  };
  benchmark::RegisterBenchmark(("encode/" + suffix).c_str(), [=](benchmark::State& state) {
    std::string block;
    for (auto _ : state) {
      block.clear();
      encode(cold, block);
      benchmark::DoNotOptimize(block.data());
    }
    finish(state, block);
  });
  benchmark::RegisterBenchmark(("decode/" + suffix).c_str(), [=](benchmark::State& state) mutable {
    std::string block;
    encode(cold, block);
    if (!decode(block, /*compare=*/true)) return state.SkipWithError("decoded values differ");
    for (auto _ : state) benchmark::DoNotOptimize(decode(block, /*compare=*/false));
    finish(state, block);
  });
}

void RegisterFloats(const std::string& name, const std::vector<double>& values, bool cold) {
  std::vector<double> decoded(values.size());
  Register(
      name, values.size(), cold,
      [values](bool is_cold, std::string& block) {
        EncodeFloats(values, {.cold = is_cold}, block);
      },
      [values, decoded](const std::string& block, bool compare) mutable {
        if (!DecodeFloats(block, decoded).ok()) return false;
        return !compare ||
               std::memcmp(values.data(), decoded.data(), values.size() * sizeof(double)) == 0;
      });
}

void RegisterIntegers(const std::string& name, const std::vector<int64_t>& values, bool cold) {
  std::vector<int64_t> decoded(values.size());
  Register(
      name, values.size(), cold,
      [values](bool is_cold, std::string& block) {
        EncodeIntegers(values, {.cold = is_cold}, block);
      },
      [values, decoded](const std::string& block, bool compare) mutable {
        return DecodeIntegers(block, decoded).ok() && (!compare || decoded == values);
      });
}

void RegisterBooleans(const std::string& name, const std::vector<uint8_t>& values, bool cold) {
  std::vector<uint8_t> decoded(values.size());
  Register(
      name, values.size(), cold,
      [values](bool is_cold, std::string& block) {
        EncodeBooleans(values, {.cold = is_cold}, block);
      },
      [values, decoded](const std::string& block, bool compare) mutable {
        return DecodeBooleans(block, decoded).ok() && (!compare || decoded == values);
      });
}

void RegisterStrings(const std::string& name, const std::vector<std::string>& values, bool cold) {
  std::vector<std::string_view> decoded(values.size());
  Register(
      name, values.size(), cold,
      [values](bool is_cold, std::string& block) {
        const std::vector<std::string_view> views(values.begin(), values.end());
        EncodeStrings(views, {.cold = is_cold}, block);
      },
      [values, decoded, text = std::string()](const std::string& block, bool compare) mutable {
        if (!DecodeStrings(block, decoded, text).ok()) return false;
        return !compare || std::equal(values.begin(), values.end(), decoded.begin());
      });
}

// Values of the field "value", and times in seconds, by series key.
void RegisterFile(const char* path) {
  std::map<std::string, std::pair<std::vector<double>, std::vector<int64_t>>> series;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t key_end = line.find(' ');
    const size_t time_at = line.rfind(' ');
    const size_t value_at = line.find("value=", key_end);
    if (value_at == std::string::npos) continue;
    auto& [values, times] = series[line.substr(0, key_end)];
    if (values.size() == kMaxBlockValues) continue;
    const int64_t time = std::strtoll(line.c_str() + time_at, nullptr, 10) * 1'000'000'000;
    if (!times.empty() && time <= times.back()) continue;
    values.push_back(std::strtod(line.c_str() + value_at + 6, nullptr));
    times.push_back(time);
  }
  for (const auto& [key, columns] : series) {
    for (const bool cold : {false, true}) {
      RegisterFloats("file/" + key, columns.first, cold);
      RegisterIntegers("file_time/" + key, columns.second, cold);
    }
  }
}

void RegisterAll() {
  for (const bool cold : {false, true}) {
    const size_t n = cold ? 8192 : 1024;
    for (const auto& s : samples::Floats(n, kSeed))
      RegisterFloats("float/" + s.name, s.values, cold);
    for (const auto& s : samples::Integers(n, kSeed)) {
      RegisterIntegers("integer/" + s.name, s.values, cold);
    }
    for (const auto& s : samples::Booleans(n, kSeed)) {
      RegisterBooleans("boolean/" + s.name, s.values, cold);
    }
    for (const auto& s : samples::Texts(n, kSeed)) {
      RegisterStrings("string/" + s.name, s.values, cold);
    }
  }
  if (const char* path = std::getenv("CODEC_BENCH_LINES")) RegisterFile(path);
}

}  // namespace
}  // namespace varve::tsm

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "built for debugging: no measurement\n");
  return 1;
#endif
  varve::tsm::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("seed", std::to_string(varve::tsm::kSeed));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
