#include "http/metrics.h"

#include "base/strings.h"

namespace varve::http {

void Histogram::Observe(int64_t ns) {
  size_t bucket = 0;
  while (bucket < kBoundsNs.size() && ns > kBoundsNs[bucket]) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<uint64_t>(ns < 0 ? 0 : ns), std::memory_order_relaxed);
}

void Histogram::Append(std::string& out, std::string_view name, std::string_view help) const {
  base::StrAppend(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " histogram\n");
  uint64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i].load(std::memory_order_relaxed);
    base::StrAppend(out, name, "_bucket{le=\"");
    if (i < kBoundsNs.size()) {
      base::StrAppend(out, static_cast<double>(kBoundsNs[i]) / 1e9);
    } else {
      out += "+Inf";
    }
    base::StrAppend(out, "\"} ", total, "\n");
  }
  const double seconds = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
  base::StrAppend(out, name, "_sum ", seconds, "\n", name, "_count ", total, "\n");
}

}  // namespace varve::http
