// /ping, /status, /health and OPTIONS: whether the server is there.
#include "base/status.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/health.h"
#include "http/json_text.h"
#include "http/reply.h"
#include "http/version.h"

namespace varve::http {

void HandlePing(const Services& services, ExchangePtr exchange, const Identity&) {
  services.metrics->ping_requests.fetch_add(1, std::memory_order_relaxed);
  const Request& request = exchange->request();
  const Form form = ParseUrlEncoded(request.query);
  const std::string_view verbose = form.Get("verbose");
  if (verbose.empty() || verbose == "0" || verbose == "false") {
    exchange->Reply(MakeResponse(services, request, 204, FormatOf(request)));
    return;
  }
  Response response = MakeResponse(services, request, 200, Format::kJson);
  response.body = base::StrCat("{\"version\":\"", kInfluxVersion, "\"}\n");
  exchange->Reply(std::move(response));
}

void HandleStatus(const Services& services, ExchangePtr exchange, const Identity&) {
  services.metrics->status_requests.fetch_add(1, std::memory_order_relaxed);
  const Request& request = exchange->request();
  exchange->Reply(MakeResponse(services, request, 204, FormatOf(request)));
}

void HandleHealth(const Services& services, ExchangePtr exchange, const Identity&) {
  const std::vector<HealthCheck> checks = FailingChecks(services);
  const bool pass = checks.empty() || !checks.front().refuses_writes;
  Response response = MakeResponse(services, exchange->request(), pass ? 200 : 503, Format::kJson);
  std::string& body = response.body;
  body = "{\"checks\":[";
  for (const HealthCheck& check : checks) {
    base::StrAppend(body, &check == &checks.front() ? "" : ",", "{\"name\":\"", check.name,
                    "\",\"status\":\"", check.warning ? "warn" : "fail", "\",\"message\":");
    AppendJsonString(body, check.message);
    body += '}';
  }
  body += "],\"message\":";
  AppendJsonString(body, checks.empty()           ? "ready for queries and writes"
                         : !pass                  ? checks.front().message
                         : checks.front().warning ? "ready for queries and writes, but see checks"
                                                  : "ready, but some data is damaged: see checks");
  base::StrAppend(body, ",\"name\":\"influxdb\",\"status\":\"", pass ? "pass" : "fail",
                  "\",\"version\":\"", kInfluxVersion, "\"}");
  exchange->Reply(std::move(response));
}

void HandleOptions(const Services& services, ExchangePtr exchange, const Identity&) {
  const Request& request = exchange->request();
  exchange->Reply(MakeResponse(services, request, 200, FormatOf(request)));
}

void HandleFluxQuery(const Services& services, ExchangePtr exchange, const Identity&) {
  services.metrics->flux_requests.fetch_add(1, std::memory_order_relaxed);
  exchange->Reply(MakeError(services, exchange->request(), 403,
                            "Flux query service disabled. Verify flux-enabled=true in the [http] "
                            "section of the InfluxDB config."));
}

}  // namespace varve::http
