// What the server counts of its own work; shown by /metrics, /debug/vars and SHOW STATS.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/request_tracker.h"

namespace varve::http {

// Counts how many observations fell into each of some ranges. Any thread.
class Histogram {
 public:
  // Upper bounds in nanoseconds; the last bucket has none.
  static constexpr std::array<int64_t, 14> kBoundsNs = {
      100'000,     250'000,       500'000,       1'000'000,     2'500'000,
      5'000'000,   10'000'000,    25'000'000,    50'000'000,    100'000'000,
      250'000'000, 1'000'000'000, 5'000'000'000, 30'000'000'000};

  void Observe(int64_t ns);
  // Appends the histogram in Prometheus' text form.
  void Append(std::string& out, std::string_view name, std::string_view help) const;

 private:
  std::array<std::atomic<uint64_t>, kBoundsNs.size() + 1> counts_{};
  std::atomic<uint64_t> sum_ns_{0};
};

// Sums since the start unless said otherwise. Any thread.
struct Metrics {
  using Counter = std::atomic<uint64_t>;
  Counter requests{0};
  Counter query_requests{0};
  Counter write_requests{0};
  Counter ping_requests{0};
  Counter status_requests{0};
  Counter prom_write_requests{0};  // also counted as writes
  Counter prom_read_requests{0};
  Counter flux_requests{0};
  Counter client_errors{0};  // answers 400 to 499
  Counter server_errors{0};  // answers 500 to 599
  Counter auth_failures{0};
  Counter write_bytes{0};  // of bodies, as received
  Counter query_bytes{0};  // of answers, as sent
  Counter points_written{0};
  Counter points_dropped{0};
  Counter values_written{0};
  Counter connections_total{0};
  Counter connections_refused{0};
  Counter request_ns{0};
  Counter query_ns{0};
  Counter write_ns{0};
  std::atomic<int64_t> connections{0};      // now
  std::atomic<int64_t> requests_active{0};  // now
  std::atomic<int64_t> queries_active{0};   // now
  std::atomic<int64_t> writes_active{0};    // now
  Histogram query_latency;
  Histogram write_latency;
  RequestTracker tracker;
};

}  // namespace varve::http
