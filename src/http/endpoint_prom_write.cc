// POST /api/v1/prom/write: samples of Prometheus' remote write.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/prom_messages.h"
#include "http/reply.h"
#include "http/write_request.h"
#include "model/series_key.h"

namespace varve::http {
namespace {

constexpr std::string_view kNameLabel = "__name__";
constexpr std::string_view kNoName = "prom_metric_not_specified";
constexpr char kFieldName[] = "value";
constexpr int64_t kMillisecondNs = 1'000'000;
// Points handed to the store at once: what a request needs besides its body.
constexpr size_t kPointsAtOnce = 10'000;

// The series' canonical key. Every label is a tag, __name__ too; of a label that comes twice the
// last counts; labels without a value are none.
std::string KeyOf(const PromSeries& series) {
  model::SeriesKey key;
  key.measurement = kNoName;
  for (const auto& [name, value] : series.labels) {
    if (name == kNameLabel && !value.empty()) key.measurement = value;
    const auto same = std::find_if(key.tags.begin(), key.tags.end(),
                                   [&](const model::Tag& tag) { return tag.key == name; });
    if (same != key.tags.end()) key.tags.erase(same);
    if (!name.empty() && !value.empty()) {
      key.tags.push_back({std::string(name), std::string(value)});
    }
  }
  std::sort(key.tags.begin(), key.tags.end(),
            [](const model::Tag& a, const model::Tag& b) { return a.key < b.key; });
  return key.Encode();
}

class SampleWriter {
 public:
  SampleWriter(const Services& services, const WriteTarget& target)
      : services_(services), target_(target) {}

  // Only an error that the rest would meet too; what is wrong with single points is kept.
  absl::Status Add(const PromSeries& series) {
    const std::string key = KeyOf(series);
    for (const PromSample& sample : series.samples) {
      // Prometheus marks an ended series with a NaN; the store has only finite numbers.
      if (!std::isfinite(sample.value)) continue;
      engine::Point& point = points_.emplace_back();
      point.series_key = key;
      // A time that does not fit becomes the farthest, which the store refuses.
      if (__builtin_mul_overflow(sample.time_ms, kMillisecondNs, &point.time_ns)) {
        point.time_ns = sample.time_ms < 0 ? INT64_MIN : INT64_MAX;
      }
      point.fields.emplace_back(kFieldName, model::FieldValue::Float(sample.value));
      if (points_.size() == kPointsAtOnce) RETURN_IF_ERROR(Flush());
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    RETURN_IF_ERROR(Flush());
    return first_error_;
  }

 private:
  absl::Status Flush() {
    if (points_.empty()) return absl::OkStatus();
    const engine::WriteResult result =
        services_.store->WritePoints(target_.database, target_.retention_policy, points_);
    points_.clear();
    Metrics& metrics = *services_.metrics;
    metrics.points_written.fetch_add(result.points_written, std::memory_order_relaxed);
    metrics.values_written.fetch_add(result.values_written, std::memory_order_relaxed);
    metrics.points_dropped.fetch_add(result.points_dropped, std::memory_order_relaxed);
    if (result.status.ok()) return absl::OkStatus();
    if (result.status.code() != absl::StatusCode::kInvalidArgument) return result.status;
    if (first_error_.ok()) first_error_ = result.status;
    return absl::OkStatus();
  }

  const Services& services_;
  const WriteTarget& target_;
  std::vector<engine::Point> points_;
  absl::Status first_error_;
};

absl::Status WriteSamples(const Services& services, const WriteTarget& target,
                          std::string_view bytes) {
  // Once to see that all of it can be read, so that damage does not leave half a request behind.
  RETURN_IF_ERROR(ReadWriteRequest(bytes, [](const PromSeries&) { return absl::OkStatus(); }));
  SampleWriter writer(services, target);
  RETURN_IF_ERROR(
      ReadWriteRequest(bytes, [&](const PromSeries& series) { return writer.Add(series); }));
  return writer.Finish();
}

}  // namespace

void HandlePromWrite(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  Metrics& metrics = *services.metrics;
  metrics.write_requests.fetch_add(1, std::memory_order_relaxed);
  metrics.prom_write_requests.fetch_add(1, std::memory_order_relaxed);
  metrics.write_bytes.fetch_add(request.body.size(), std::memory_order_relaxed);
  metrics.tracker.CountWrite(NameOf(who), request.remote_address);
  const Form form = ParseUrlEncoded(request.query);
  const WriteTarget target{std::string(form.Get("db")), std::string(form.Get("rp")),
                           std::string(form.Get("consistency"))};
  Refusal refusal = CheckWrite(services, target, who, request);
  if (refusal.status == 0 && services.catalog->Get()->FindDatabase(target.database) == nullptr) {
    refusal = {404, base::StrCat("database not found: \"", target.database, "\"")};
  }
  if (refusal.status != 0) {
    exchange->Reply(MakeError(services, request, refusal.status, refusal.text));
    return;
  }
  const absl::StatusOr<std::string> body =
      Unsnap(request.body, UnpackedBytesMax(services.options.max_body_bytes));
  if (!body.ok()) {
    const Refusal unreadable = UnpackRefusal(body.status());
    exchange->Reply(MakeError(services, request, unreadable.status, unreadable.text));
    return;
  }
  metrics.writes_active.fetch_add(1, std::memory_order_relaxed);
  const absl::Status status = WriteSamples(services, target, *body);
  metrics.writes_active.fetch_sub(1, std::memory_order_relaxed);
  const int64_t now_ns = services.env->MonotonicNs();
  const int64_t duration = now_ns - request.start_ns;
  metrics.write_ns.fetch_add(static_cast<uint64_t>(duration), std::memory_order_relaxed);
  metrics.write_latency.Observe(duration, now_ns);
  if (status.ok()) {
    exchange->Reply(MakeResponse(services, request, 204, FormatOf(request)));
  } else {
    exchange->Reply(MakeError(services, request, WriteStatus(status), base::MessageOf(status)));
  }
}

}  // namespace varve::http
