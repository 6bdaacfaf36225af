// Counts how long things took, by ranges of durations.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace varve::base {

// Durations by range: one of kBoundsNs each, and one beyond the last.
struct LatencyCounts {
  // Upper bounds (included) in nanoseconds.
  static constexpr std::array<int64_t, 17> kBoundsNs = {
      50'000,      100'000,      250'000,      500'000,        1'000'000,     2'500'000,
      5'000'000,   10'000'000,   25'000'000,   50'000'000,     100'000'000,   250'000'000,
      500'000'000, 1000'000'000, 2500'000'000, 10'000'000'000, 30'000'000'000};

  std::array<uint64_t, kBoundsNs.size() + 1> counts{};
  uint64_t sum_ns = 0;

  uint64_t Total() const;
  // The duration that a share `q` (0 to 1) of the observations did not exceed, interpolated within
  // its range; the last bound for what lies beyond it; 0 when there are none.
  int64_t QuantileNs(double q) const;
};

// Thread safety: every method may be called from any thread.
class LatencyHistogram {
 public:
  // How long Recent() looks back: between one and two of these.
  static constexpr int64_t kRecentNs = 60'000'000'000;

  // `now_ns` is Env::MonotonicNs().
  void Observe(int64_t duration_ns, int64_t now_ns) ABSL_LOCKS_EXCLUDED(mu_);
  // All observations so far.
  LatencyCounts All() const;
  // Those of the last minute or two.
  LatencyCounts Recent(int64_t now_ns) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Slots {
    std::array<std::atomic<uint64_t>, LatencyCounts::kBoundsNs.size() + 1> counts{};
    std::atomic<uint64_t> sum_ns{0};

    void Clear();
    void AddTo(LatencyCounts* out) const;
  };

  // Makes room for the observations of a new period. What other threads are just adding to the
  // period before last may be lost or counted in the new one: these counts are an estimate.
  void Turn(int64_t period) ABSL_LOCKS_EXCLUDED(mu_);

  Slots all_;
  std::array<Slots, 2> recent_;  // by period % 2
  std::atomic<int64_t> period_{0};
  absl::Mutex mu_;  // held by the one who turns
};

}  // namespace varve::base
