#include "base/latency_histogram.h"

#include <algorithm>

namespace varve::base {

uint64_t LatencyCounts::Total() const {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  return total;
}

int64_t LatencyCounts::QuantileNs(double q) const {
  const double wanted = q * static_cast<double>(Total());
  double before = 0;
  for (size_t i = 0; i < kBoundsNs.size(); ++i) {
    const double here = static_cast<double>(counts[i]);
    if (here > 0 && before + here >= wanted) {
      const double low = i == 0 ? 0 : static_cast<double>(kBoundsNs[i - 1]);
      const double high = static_cast<double>(kBoundsNs[i]);
      return static_cast<int64_t>(low + (high - low) * (wanted - before) / here);
    }
    before += here;
  }
  return counts.back() == 0 ? 0 : kBoundsNs.back();
}

void LatencyHistogram::Slots::Clear() {
  for (auto& count : counts) count.store(0, std::memory_order_relaxed);
  sum_ns.store(0, std::memory_order_relaxed);
}

void LatencyHistogram::Slots::AddTo(LatencyCounts* out) const {
  for (size_t i = 0; i < counts.size(); ++i) {
    out->counts[i] += counts[i].load(std::memory_order_relaxed);
  }
  out->sum_ns += sum_ns.load(std::memory_order_relaxed);
}

void LatencyHistogram::Observe(int64_t duration_ns, int64_t now_ns) {
  duration_ns = std::max<int64_t>(duration_ns, 0);
  const auto& bounds = LatencyCounts::kBoundsNs;
  const auto bucket = static_cast<size_t>(
      std::lower_bound(bounds.begin(), bounds.end(), duration_ns) - bounds.begin());
  const int64_t period = now_ns / kRecentNs;
  if (period > period_.load(std::memory_order_acquire)) Turn(period);
  for (Slots* slots : {&all_, &recent_[static_cast<size_t>(period) % 2]}) {
    slots->counts[bucket].fetch_add(1, std::memory_order_relaxed);
    slots->sum_ns.fetch_add(static_cast<uint64_t>(duration_ns), std::memory_order_relaxed);
  }
}

void LatencyHistogram::Turn(int64_t period) {
  absl::MutexLock lock(&mu_);
  const int64_t last = period_.load(std::memory_order_relaxed);
  if (period <= last) return;
  recent_[static_cast<size_t>(period) % 2].Clear();
  if (period > last + 1) recent_[static_cast<size_t>(period + 1) % 2].Clear();
  period_.store(period, std::memory_order_release);
}

LatencyCounts LatencyHistogram::All() const {
  LatencyCounts counts;
  all_.AddTo(&counts);
  return counts;
}

LatencyCounts LatencyHistogram::Recent(int64_t now_ns) {
  const int64_t period = now_ns / kRecentNs;
  if (period > period_.load(std::memory_order_acquire)) Turn(period);
  LatencyCounts counts;
  for (const Slots& slots : recent_) slots.AddTo(&counts);
  return counts;
}

}  // namespace varve::base
