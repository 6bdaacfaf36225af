// Stores the server's statistics in a database of its own, as InfluxDB's monitor service does.
//
// At every multiple of the interval each row of the statistics becomes a point with that time: the
// group is its measurement, the tags are the row's and `hostname`. The database is made with the
// policy `monitor` (7 days, shards of a day) when the first points are written. When someone drops
// it, it stays gone until the next start. What cannot be stored is passed over and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "engine/store.h"
#include "http/services.h"
#include "meta/catalog.h"
#include "query/executor.h"

namespace varve::server {

inline constexpr char kMonitorPolicy[] = "monitor";

// Thread safety: every method may be called from any thread.
class Monitor {
 public:
  // What it points to outlives the monitor. The functions are called on the monitor's thread.
  struct Environment {
    base::Env* env = nullptr;
    meta::Catalog* catalog = nullptr;
    engine::Store* store = nullptr;
    std::string database;
    int64_t interval_ns = 10 * int64_t{1'000'000'000};
    std::string hostname;
    std::function<std::vector<query::StatisticsRow>()> statistics;
    // Told of the first of a run of failures, and when it is over after `missed` of them.
    std::function<void(const absl::Status&)> on_error;
    std::function<void(uint64_t missed)> on_recovered;
    std::function<void()> on_dropped;  // the database is gone
  };
  explicit Monitor(Environment environment) : environment_(std::move(environment)) {}
  ~Monitor() { Stop(); }

  // Begins to store, on a thread of its own.
  void Start();
  // Ends it, behind a write that is on its way.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Stores the statistics of now as of `time_ns`. One thread at a time.
  void Store(int64_t time_ns) ABSL_LOCKS_EXCLUDED(mu_);
  http::MonitorStatus Status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Makes what the points go to; sets `there` to whether to write them.
  absl::Status Prepare(bool* there);
  std::vector<engine::Point> Points(int64_t time_ns) const;
  void Note(const absl::Status& status, uint64_t points) ABSL_LOCKS_EXCLUDED(mu_);

  const Environment environment_;
  bool seen_ = false;    // the database was there, so it is not made again
  bool told_ = false;    // that it was dropped
  uint64_t missed_ = 0;  // failures since the last success

  mutable absl::Mutex mu_;
  absl::CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  http::MonitorStatus status_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace varve::server
