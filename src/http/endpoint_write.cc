// POST /write: line protocol into the store.
#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "base/status.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/gzip.h"
#include "http/reply.h"
#include "http/status_code.h"
#include "model/line_protocol.h"

namespace varve::http {
namespace {

// How much longer than max-body-size a packed body may be when unpacked.
constexpr uint64_t kUnpackFactor = 10;

// What a write needs until the store is done with it.
struct PendingWrite {
  ExchangePtr exchange;
  std::string database;
  std::string retention_policy;
  std::string body;
  int64_t start_ns = 0;
};

bool IsConsistencyLevel(std::string_view text) {
  for (const std::string_view level : {"any", "one", "quorum", "all"}) {
    if (EqualsIgnoreCase(text, level)) return true;
  }
  return text.empty();
}

bool MayWrite(const query::Principal& principal, std::string_view database) {
  if (principal.admin) return true;
  const auto found = principal.privileges.find(std::string(database));
  return found != principal.privileges.end() &&
         (found->second == meta::Privilege::kWrite || found->second == meta::Privilege::kAll);
}

struct Refusal {
  int status = 0;
  std::string text;
};

// Checks what can be checked before the body is looked at; status 0: nothing is wrong.
Refusal CheckRequest(const Services& services, const Form& form, const Identity& who,
                     model::Precision* precision) {
  const std::string_view unit = form.Get("precision");
  if (unit == "us" || !model::ParsePrecision(unit, precision)) {
    return {400, base::StrCat("invalid precision \"", unit, "\" (use n, u, ms, s, m or h)")};
  }
  const std::string_view database = form.Get("db");
  if (database.empty()) return {400, "database is required"};
  const bool bad_consistency = !IsConsistencyLevel(form.Get("consistency"));
  if (bad_consistency || who.required) {
    if (services.catalog->Get()->FindDatabase(database) == nullptr) {
      return {404, base::StrCat("database not found: \"", database, "\"")};
    }
  }
  if (who.required && !who.principal) {
    return {403, base::StrCat("user is required to write to database \"", database, "\"")};
  }
  if (who.required && !MayWrite(*who.principal, database)) {
    return {403, base::StrCat("\"", who.principal->user,
                              "\" user is not authorized to write to database \"", database, "\"")};
  }
  if (bad_consistency) return {400, "invalid consistency level"};
  return {};
}

int WriteStatus(const absl::Status& status) {
  // InfluxDB answers 500 when the database is there and the policy is not.
  if (status.code() == absl::StatusCode::kNotFound &&
      base::MessageOf(status).substr(0, 16) == "retention policy") {
    return 500;
  }
  return HttpStatus(status);
}

void Finish(const Services& services, const PendingWrite& write,
            const engine::WriteResult& result) {
  Metrics& metrics = *services.metrics;
  metrics.points_written.fetch_add(result.points_written, std::memory_order_relaxed);
  metrics.values_written.fetch_add(result.values_written, std::memory_order_relaxed);
  metrics.points_dropped.fetch_add(result.points_dropped, std::memory_order_relaxed);
  metrics.writes_active.fetch_sub(1, std::memory_order_relaxed);
  const int64_t duration = services.env->MonotonicNs() - write.start_ns;
  metrics.write_ns.fetch_add(static_cast<uint64_t>(duration), std::memory_order_relaxed);
  metrics.write_latency.Observe(duration);
  const Request& request = write.exchange->request();
  if (result.status.ok()) {
    write.exchange->Reply(MakeResponse(services, request, 204, FormatOf(request)));
  } else {
    write.exchange->Reply(
        MakeError(services, request, WriteStatus(result.status), base::MessageOf(result.status)));
  }
}

}  // namespace

void HandleWrite(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  Metrics& metrics = *services.metrics;
  metrics.write_requests.fetch_add(1, std::memory_order_relaxed);
  metrics.write_bytes.fetch_add(request.body.size(), std::memory_order_relaxed);

  const Form form = ParseUrlEncoded(request.query);
  model::Precision precision = model::Precision::kNs;
  const Refusal refusal = CheckRequest(services, form, who, &precision);
  if (refusal.status != 0) {
    exchange->Reply(MakeError(services, request, refusal.status, refusal.text));
    return;
  }
  if (request.body_too_large) {
    exchange->Reply(MakeError(services, request, 413, "Request Entity Too Large"));
    return;
  }

  auto write = std::make_shared<PendingWrite>();
  write->database = form.Get("db");
  write->retention_policy = form.Get("rp");
  write->start_ns = request.start_ns;
  if (EqualsIgnoreCase(request.Header("content-encoding"), "gzip")) {
    const uint64_t max_body = services.options.max_body_bytes;
    absl::StatusOr<std::string> body =
        Gunzip(request.body, max_body == 0 ? SIZE_MAX / 2 : max_body * kUnpackFactor);
    if (!body.ok()) {
      const bool too_large = body.status().code() == absl::StatusCode::kResourceExhausted;
      exchange->Reply(
          MakeError(services, request, too_large ? 413 : 400,
                    too_large ? "Request Entity Too Large" : base::MessageOf(body.status())));
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

}  // namespace varve::http
