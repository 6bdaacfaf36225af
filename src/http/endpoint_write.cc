// POST /write and /api/v2/write: line protocol into the store.
#include <atomic>
#include <string>
#include <utility>

#include "base/status.h"
#include "http/bucket.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/gzip.h"
#include "http/reply.h"
#include "http/write_request.h"
#include "model/line_protocol.h"

namespace varve::http {
namespace {

// What a write needs until the store is done with it.
struct PendingWrite {
  ExchangePtr exchange;
  std::string database;
  std::string retention_policy;
  std::string body;
  int64_t start_ns = 0;
};

void Finish(const Services& services, const PendingWrite& write,
            const engine::WriteResult& result) {
  Metrics& metrics = *services.metrics;
  metrics.points_written.fetch_add(result.points_written, std::memory_order_relaxed);
  metrics.values_written.fetch_add(result.values_written, std::memory_order_relaxed);
  metrics.points_dropped.fetch_add(result.points_dropped, std::memory_order_relaxed);
  metrics.writes_active.fetch_sub(1, std::memory_order_relaxed);
  const int64_t now_ns = services.env->MonotonicNs();
  const int64_t duration = now_ns - write.start_ns;
  metrics.write_ns.fetch_add(static_cast<uint64_t>(duration), std::memory_order_relaxed);
  metrics.write_latency.Observe(duration, now_ns);
  const Request& request = write.exchange->request();
  if (result.status.ok()) {
    write.exchange->Reply(MakeResponse(services, request, 204, FormatOf(request)));
  } else {
    write.exchange->Reply(
        MakeError(services, request, WriteStatus(result.status), base::MessageOf(result.status)));
  }
}

// Writes the body of the request, which names its target in one way or another.
void Write(const Services& services, ExchangePtr exchange, const Identity& who,
           const WriteTarget& target, model::Precision precision) {
  const Request& request = exchange->request();
  Metrics& metrics = *services.metrics;
  const Refusal refusal = CheckWrite(services, target, who, request);
  if (refusal.status != 0) {
    exchange->Reply(MakeError(services, request, refusal.status, refusal.text));
    return;
  }

  auto write = std::make_shared<PendingWrite>();
  write->database = target.database;
  write->retention_policy = target.retention_policy;
  write->start_ns = request.start_ns;
  if (EqualsIgnoreCase(request.Header("content-encoding"), "gzip")) {
    absl::StatusOr<std::string> body =
        Gunzip(request.body, UnpackedBytesMax(services.options.max_body_bytes));
    if (!body.ok()) {
      const Refusal unreadable = UnpackRefusal(body.status());
      exchange->Reply(MakeError(services, request, unreadable.status, unreadable.text));
      return;
    }
    write->body = *std::move(body);
  } else {
    write->body = exchange->TakeBody();
  }
  write->exchange = std::move(exchange);

  metrics.writes_active.fetch_add(1, std::memory_order_relaxed);
  engine::WriteRequest store_request;
  store_request.database = write->database;
  store_request.retention_policy = write->retention_policy;
  store_request.body = write->body;
  store_request.precision = precision;
  services.store->Write(store_request, [&services, write](engine::WriteResult result) {
    Finish(services, *write, result);
  });
}

void CountWrite(const Services& services, const Request& request, const Identity& who) {
  services.metrics->tracker.CountWrite(NameOf(who), request.remote_address);
  services.metrics->write_requests.fetch_add(1, std::memory_order_relaxed);
  services.metrics->write_bytes.fetch_add(request.body.size(), std::memory_order_relaxed);
}

}  // namespace

void HandleWrite(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  CountWrite(services, request, who);
  const Form form = ParseUrlEncoded(request.query);
  const std::string_view unit = form.Get("precision");
  model::Precision precision = model::Precision::kNs;
  if (unit == "us" || !model::ParsePrecision(unit, &precision)) {
    exchange->Reply(
        MakeError(services, request, 400,
                  base::StrCat("invalid precision \"", unit, "\" (use n, u, ms, s, m or h)")));
    return;
  }
  const WriteTarget target{std::string(form.Get("db")), std::string(form.Get("rp")),
                           std::string(form.Get("consistency"))};
  Write(services, std::move(exchange), who, target, precision);
}

void HandleWriteV2(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  CountWrite(services, request, who);
  const Form form = ParseUrlEncoded(request.query);
  const std::string_view unit = form.Get("precision");
  model::Precision precision = model::Precision::kNs;
  const bool known = unit.empty() || unit == "ns" || unit == "us" || unit == "ms" || unit == "s";
  if (!known || !model::ParsePrecision(unit, &precision)) {
    exchange->Reply(
        MakeError(services, request, 400,
                  base::StrCat("invalid precision \"", unit, "\" (use ns, us, ms or s)")));
    return;
  }
  absl::StatusOr<Bucket> bucket = ParseBucket(form.Get("bucket"));
  if (!bucket.ok()) {
    exchange->Reply(MakeError(services, request, 404, base::MessageOf(bucket.status())));
    return;
  }
  const WriteTarget target{bucket->database, bucket->retention_policy,
                           std::string(form.Get("consistency"))};
  Write(services, std::move(exchange), who, target, precision);
}

}  // namespace varve::http
