#include "server/monitor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "base/status.h"
#include "model/series_key.h"

namespace varve::server {
namespace {

constexpr int64_t kDayNs = 24 * 3600 * int64_t{1'000'000'000};

meta::PolicySpec PolicyOfMonitor() {
  meta::PolicySpec policy;
  policy.name = kMonitorPolicy;
  policy.duration_ns = 7 * kDayNs;
  policy.shard_group_duration_ns = kDayNs;
  policy.replication = 1;
  return policy;
}

}  // namespace

void Monitor::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Monitor::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    stop_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Monitor::Run() {
  const int64_t interval_ns = environment_.interval_ns;
  int64_t slot = environment_.env->NowNs() / interval_ns;
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      const int64_t left_ns = interval_ns - environment_.env->NowNs() % interval_ns;
      const absl::Time due = absl::Now() + absl::Nanoseconds(left_ns);
      while (!stopping_ && !stop_.WaitWithDeadline(&mu_, due)) {
      }
      if (stopping_) return;
    }
    // The wall clock may have been set, or the wait may have ended a little early.
    const int64_t now = environment_.env->NowNs() / interval_ns;
    if (now == slot) continue;
    slot = now;
    Store(slot * interval_ns);
  }
}

absl::Status Monitor::Prepare(bool* there) {
  *there = true;
  const std::shared_ptr<const meta::CatalogData> catalog = environment_.catalog->Get();
  const meta::Database* database = catalog->FindDatabase(environment_.database);
  if (database == nullptr && seen_) {
    *there = false;
    if (!told_ && environment_.on_dropped) environment_.on_dropped();
    told_ = true;
    return absl::OkStatus();
  }
  told_ = false;
  if (database == nullptr) {
    RETURN_IF_ERROR(environment_.catalog->CreateDatabase(environment_.database, PolicyOfMonitor()));
  } else if (!seen_ && database->FindPolicy(kMonitorPolicy) == nullptr) {
    RETURN_IF_ERROR(environment_.catalog->CreateRetentionPolicy(
        environment_.database, PolicyOfMonitor(), /*make_default=*/false));
  }
  seen_ = true;
  return absl::OkStatus();
}

std::vector<engine::Point> Monitor::Points(int64_t time_ns) const {
  std::vector<engine::Point> points;
  for (query::StatisticsRow& row : environment_.statistics()) {
    model::SeriesKey key;
    key.measurement = std::move(row.module);
    for (auto& [name, value] : row.tags) {
      if (!value.empty()) key.tags.push_back({std::move(name), std::move(value)});
    }
    if (!environment_.hostname.empty()) key.tags.push_back({"hostname", environment_.hostname});
    std::sort(key.tags.begin(), key.tags.end(),
              [](const model::Tag& a, const model::Tag& b) { return a.key < b.key; });
    engine::Point point;
    point.series_key = key.Encode();
    point.time_ns = time_ns;
    for (size_t i = 0; i < row.names.size(); ++i) {
      const auto* integer = std::get_if<int64_t>(&row.values[i]);
      if (integer == nullptr) continue;  // the statistics are all whole numbers
      point.fields.emplace_back(std::move(row.names[i]), model::FieldValue::Integer(*integer));
    }
    points.push_back(std::move(point));
  }
  return points;
}

void Monitor::Store(int64_t time_ns) {
  bool there;
  if (const absl::Status status = Prepare(&there); !status.ok()) return Note(status, 0);
  if (!there) return;
  const engine::WriteResult result =
      environment_.store->WritePoints(environment_.database, kMonitorPolicy, Points(time_ns));
  Note(result.status, result.points_written);
}

void Monitor::Note(const absl::Status& status, uint64_t points) {
  {
    absl::MutexLock lock(&mu_);
    ++(status.ok() ? status_.writes : status_.failures);
    status_.points_written += points;
    status_.last_error = std::string(base::MessageOf(status));
  }
  if (!status.ok()) {
    if (++missed_ == 1 && environment_.on_error) environment_.on_error(status);
    return;
  }
  if (missed_ != 0 && environment_.on_recovered) environment_.on_recovered(missed_);
  missed_ = 0;
}

http::MonitorStatus Monitor::Status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

}  // namespace varve::server
