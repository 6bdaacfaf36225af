// What the server counts of its own work; shown by /metrics, /debug/vars and SHOW STATS.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/latency_histogram.h"
#include "http/request_tracker.h"

namespace varve::http {

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
  Counter client_errors{0};            // answers 400 to 499
  Counter server_errors{0};            // answers 500 to 599
  std::array<Counter, 600> answers{};  // by status code
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
  base::LatencyHistogram query_latency;
  base::LatencyHistogram write_latency;
  RequestTracker tracker;

  // An answer with this status has gone; 0: none was given.
  void CountAnswer(int status) {
    if (status >= 500) server_errors.fetch_add(1, std::memory_order_relaxed);
    if (status >= 400 && status < 500) client_errors.fetch_add(1, std::memory_order_relaxed);
    if (status > 0 && status < 600) {
      answers[static_cast<size_t>(status)].fetch_add(1, std::memory_order_relaxed);
    }
  }
};

}  // namespace varve::http
