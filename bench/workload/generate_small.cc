// highcard and single: one field a line.

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "generators.h"

namespace varve::bench {
namespace {

constexpr std::string_view kKinds[] = {"water", "heat", "gas", "power", "cooling"};

int64_t TimeNs(const WorkloadOptions& options, uint64_t row, int64_t step_s) {
  return (options.start_s + static_cast<int64_t>(row) * step_s) * 1'000'000'000;
}

}  // namespace

void AppendHighcard(const WorkloadOptions& options, BodyWriter& out) {
  std::mt19937_64 random(options.seed);
  std::vector<uint32_t> values(options.series);
  for (uint32_t& value : values) value = static_cast<uint32_t>(random() % 10'000'000);
  for (uint64_t row = 0; row < options.rows; ++row) {
    const int64_t time_ns = TimeNs(options, row, 60);
    for (uint64_t i = 0; i < options.series; ++i) {
      // The districts and kinds are spread over the ids, as they are where meters are replaced.
      const uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15u >> 40;
      std::string& body = out.text();
      fmt::format_to(std::back_inserter(body),
                     "meter,district=d{:02},id=m{:07},kind={} value=", mixed % 100, i,
                     kKinds[mixed / 128 % std::size(kKinds)]);
      AppendHundredths(body, values[i]);
      values[i] += static_cast<uint32_t>(random() % 50);
      out.EndLine(time_ns, 1);
    }
  }
}

void AppendSingle(const WorkloadOptions& options, BodyWriter& out) {
  std::mt19937_64 random(options.seed);
  std::normal_distribution<double> step(0, 40);
  std::vector<int64_t> values(options.series);
  for (int64_t& value : values) value = static_cast<int64_t>(random() % 100'000);
  for (uint64_t row = 0; row < options.rows; ++row) {
    for (uint64_t i = 0; i < options.series; ++i) {
      values[i] += std::lround(step(random));
      std::string& body = out.text();
      body += "probe,id=p";
      AppendInteger(body, static_cast<int64_t>(i));
      body += " value=";
      AppendHundredths(body, values[i]);
      out.EndLine(TimeNs(options, row, 10), 1);
    }
  }
}

}  // namespace varve::bench
