// Seeded columns that look like those people store, for the tests and benchmarks of the codecs.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace varve::tsm::samples {

struct FloatSample {
  std::string name;
  std::vector<double> values;
};
struct WordSample {
  std::string name;
  std::vector<int64_t> values;
};
struct TextSample {
  std::string name;
  std::vector<std::string> values;
};
struct BooleanSample {
  std::string name;
  std::vector<uint8_t> values;
};

inline double Decimal(int64_t k, double power) { return static_cast<double>(k) / power; }

// A walk of normal steps with deviation `step`, in units of 1 / power, kept within [low, high].
inline std::vector<double> DecimalWalk(size_t n, uint64_t seed, double step, double power,
                                       double low, double high) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, step * power);
  double at = (low + high) / 2 * power;
  std::vector<double> values;
  for (size_t i = 0; i < n; ++i) {
    at = std::min(std::max(at + normal(random), low * power), high * power);
    values.push_back(static_cast<double>(std::llround(at)) / power);
  }
  return values;
}

inline double AnyDouble(std::mt19937_64& random) {
  const uint64_t bits = random();
  double value;
  static_assert(sizeof(value) == sizeof(bits));
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

inline std::vector<FloatSample> Floats(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<FloatSample> samples;
  const auto add = [&](std::string name, auto make) {
    FloatSample sample{std::move(name), {}};
    for (size_t i = 0; i < n; ++i) sample.values.push_back(make(i));
    samples.push_back(std::move(sample));
  };
  samples.push_back({"cpu_walk_0_100", DecimalWalk(n, seed, 1, 1, 0, 100)});
  samples.push_back({"two_decimals", DecimalWalk(n, seed + 1, 1, 100, 0, 100)});
  samples.push_back({"temperature_0.1", DecimalWalk(n, seed + 2, 0.05, 10, -20, 45)});
  samples.push_back({"gps_6_decimals", DecimalWalk(n, seed + 3, 0.0003, 1e6, -90, 90)});
  add("battery", [&](size_t i) { return Decimal(static_cast<int64_t>(1000 - i / 40), 10); });
  add("constant", [&](size_t) { return 21.5; });
  add("uniform_2_decimals",
      [&](size_t) { return Decimal(static_cast<int64_t>(random() % 10000), 100); });
  add("twelve_digits",
      [&](size_t) { return Decimal(static_cast<int64_t>(random() % 1000000000000), 1e12); });
  double drift = 20;
  add("full_precision_drift", [&](size_t) { return drift += normal(random) * 0.01; });
  add("full_precision_noise", [&](size_t) { return normal(random); });
  add("full_precision_wide", [&](size_t) { return std::exp(normal(random) * 5); });
  add("idle_100_minus_cpu", [&](size_t) {
    return 100 - Decimal(static_cast<int64_t>(random() % 3000), 100) -
           Decimal(static_cast<int64_t>(random() % 900), 1000);
  });
  double warmth = 20;
  add("single_precision_0.1", [&](size_t) {
    warmth += normal(random) * 0.05;
    return static_cast<double>(static_cast<float>(std::round(warmth * 10) / 10));
  });
  add("single_precision_noise",
      [&](size_t) { return static_cast<double>(static_cast<float>(normal(random))); });
  const double states[] = {0.1 + 0.2, 1.0 / 3, 2.0 / 7, std::sqrt(2)};
  add("full_precision_states", [&](size_t) { return states[random() % 4]; });
  double held = 0;
  add("full_precision_held", [&](size_t i) {
    if (i == 0 || random() % 50 == 0) held = normal(random);
    return held;
  });
  add("random_bits", [&](size_t) { return AnyDouble(random); });
  const double oddities[] = {std::numeric_limits<double>::quiet_NaN(),
                             -std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             0.0,
                             -0.0,
                             std::numeric_limits<double>::denorm_min(),
                             -std::numeric_limits<double>::denorm_min(),
                             std::numeric_limits<double>::min(),
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::lowest(),
                             std::numeric_limits<double>::epsilon()};
  add("oddities", [&](size_t) { return oddities[random() % std::size(oddities)]; });
  add("decimals_with_oddities", [&](size_t) {
    return random() % 30 == 0 ? oddities[random() % std::size(oddities)]
                              : Decimal(static_cast<int64_t>(random() % 500), 10);
  });
  add("large_integers", [&](size_t) {
    return static_cast<double>((int64_t{1} << 51) - 3 + static_cast<int64_t>(random() % 7));
  });
  add("negative_zero", [&](size_t) { return -0.0; });
  return samples;
}

inline std::vector<WordSample> Integers(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<WordSample> samples;
  const auto add = [&](std::string name, auto make) {
    WordSample sample{std::move(name), {}};
    for (size_t i = 0; i < n; ++i) sample.values.push_back(static_cast<int64_t>(make(i)));
    samples.push_back(std::move(sample));
  };
  uint64_t at = 1'700'000'000'000'000'000 / 1'000'000'000 * 1'000'000'000;
  add("clock_10s", [&](size_t i) { return at + i * 10'000'000'000; });
  add("clock_ms_jitter",
      [&](size_t i) { return at + i * 10'000'000'000 + random() % 40 * 1'000'000; });
  add("clock_ns_jitter", [&](size_t i) { return at + i * 1'000'000'000 + random() % 200'000; });
  uint64_t tick = at;
  add("clock_with_gaps", [&](size_t) {
    return tick += 10'000'000'000 * (random() % 200 == 0 ? 1 + random() % 500 : 1);
  });
  uint64_t counter = 123456789;
  add("counter", [&](size_t) { return counter += random() % 1000; });
  add("counter_with_resets", [&](size_t) {
    if (random() % 300 == 0) counter = 0;
    return counter += 500 + random() % 100;
  });
  uint64_t level = 5'000'000;
  add("memory_pages", [&](size_t) { return (level += random() % 64 - 32) * 4096; });
  const int64_t codes[] = {200, 200, 200, 200, 200, 204, 301, 404, 500, 503};
  add("http_codes", [&](size_t) { return codes[random() % std::size(codes)]; });
  add("accelerating", [&](size_t i) { return i * i * 3 + i * 1000 + random() % 3; });
  add("spikes", [&](size_t) { return random() % 100 == 0 ? random() % 1000000 : random() % 16; });
  add("spikes_both_ways", [&](size_t) {
    const auto spike = static_cast<int64_t>(random() % 2000000) - 1000000;
    return random() % 20 == 0 ? spike : static_cast<int64_t>(random() % 5) - 2;
  });
  int64_t held = 0;
  add("held", [&](size_t i) {
    if (i == 0 || random() % 60 == 0) held = static_cast<int64_t>(random() % 100000);
    return held;
  });
  add("constant", [&](size_t) { return -7; });
  add("extremes", [&](size_t) {
    return random() % 2 == 0 ? std::numeric_limits<int64_t>::min()
                             : std::numeric_limits<int64_t>::max();
  });
  add("random_bits", [&](size_t) { return random(); });
  add("every_width", [&](size_t) { return random() >> (random() % 64); });
  add("multiples_over_all_64_bits", [&](size_t) { return random() / 1000 * 1000; });
  return samples;
}

inline std::vector<BooleanSample> Booleans(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<BooleanSample> samples = {
      {"true", {}}, {"false", {}}, {"coin", {}}, {"door", {}}, {"blink", {}}};
  uint8_t door = 0;
  for (size_t i = 0; i < n; ++i) {
    samples[0].values.push_back(1);
    samples[1].values.push_back(0);
    samples[2].values.push_back(random() & 1);
    if (random() % 70 == 0) door ^= 1;
    samples[3].values.push_back(door);
    samples[4].values.push_back(i & 1);
  }
  return samples;
}

inline std::vector<TextSample> Texts(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TextSample> samples;
  const auto add = [&](std::string name, auto make) {
    TextSample sample{std::move(name), {}};
    for (size_t i = 0; i < n; ++i) sample.values.push_back(make(i));
    samples.push_back(std::move(sample));
  };
  const std::string states[] = {"ok", "ok", "ok", "warning", "critical", ""};
  size_t state = 0;
  add("status_held", [&](size_t) {
    if (random() % 40 == 0) state = random() % std::size(states);
    return states[state];
  });
  add("status", [&](size_t) { return states[random() % std::size(states)]; });
  add("log_lines", [&](size_t i) {
    return "level=info msg=\"request served\" path=/api/v1/items/" +
           std::to_string(random() % 5000) + " ms=" + std::to_string(random() % 900) +
           " id=" + std::to_string(i);
  });
  add("constant", [&](size_t) { return std::string("firmware 4.2.1"); });
  add("empty", [&](size_t) { return std::string(); });
  add("random_bytes", [&](size_t) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  });
  return samples;
}

}  // namespace varve::tsm::samples
