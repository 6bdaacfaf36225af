#include "latencies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace varve::bench {

std::string Latencies::Quantiles() const {
  std::vector<double> ascending = ms_;
  std::ranges::sort(ascending);
  const auto at = [&](double share) {
    if (ascending.empty()) return 0.0;
    const auto rank = std::ceil(share * static_cast<double>(ascending.size()));
    return ascending[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  return fmt::format(R"("p50_ms": {:.4g}, "p95_ms": {:.4g}, "p99_ms": {:.4g}, "max_ms": {:.4g})",
                     at(0.5), at(0.95), at(0.99), at(1));
}

std::string Latencies::Histogram() const {
  std::map<int, size_t> counts;  // by the exponent of the limit
  for (const double ms : ms_) ++counts[static_cast<int>(std::ceil(std::log2(std::max(ms, 0.001))))];
  std::string out = "{";
  for (const auto& [exponent, count] : counts) {
    out += fmt::format(R"({}"{:g}": {})", out.size() == 1 ? "" : ", ", std::exp2(exponent), count);
  }
  return out + "}";
}

}  // namespace varve::bench
