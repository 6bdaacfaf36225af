// What is counted of requests.
#include "base/strings.h"
#include "http/statistic_table.h"

namespace varve::http {
namespace {

using Item = StatisticItem;
using enum StatisticKind;
using enum StatisticScope;

constexpr int64_t kSeconds = 1'000'000'000;

const Metrics& MetricsOf(const Item& item) { return *item.state->services->metrics; }
int64_t Load(const std::atomic<uint64_t>& counter) {
  return static_cast<int64_t>(counter.load(std::memory_order_relaxed));
}

template <std::atomic<uint64_t> Metrics::*kCounter>
int64_t Count(const Item& item) {
  return Load(MetricsOf(item).*kCounter);
}
template <std::atomic<int64_t> Metrics::*kGauge>
int64_t Now(const Item& item) {
  return (MetricsOf(item).*kGauge).load(std::memory_order_relaxed);
}

int64_t QueriesFinished(const Item& item) {
  return static_cast<int64_t>(MetricsOf(item).query_latency.All().Total());
}

template <int kPercent>
int64_t Quantile(const Item& item) {
  return item.latency->recent.QuantileNs(kPercent / 100.0);
}

std::string Bind(const Item& item) {
  const HttpOptions& options = item.state->services->options;
  return base::StrCat(options.address, ":", options.port);
}

StatisticGroup Httpd() {
  using M = Metrics;
  return {
      "httpd",
      kServer,
      "Requests over HTTP.",
      {{"bind", "", Bind}},
      {
          {"authFail", kCounter, "varve_http_auth_failures_total", 1,
           "Answers with the status 401.", Count<&M::auth_failures>},
          {"clientError", kCounter, "varve_http_client_errors_total", 1,
           "Answers with a status 4xx.", Count<&M::client_errors>},
          {"connections", kGauge, "varve_http_connections", 1, "Connections open now.",
           Now<&M::connections>},
          {"connectionsAccepted", kCounter, "varve_http_connections_total", 1,
           "Connections accepted.", Count<&M::connections_total>},
          {"connectionsRefused", kCounter, "varve_http_connections_refused_total", 1,
           "Connections closed because of max-connection-limit.", Count<&M::connections_refused>},
          {"fluxQueryReq", kCounter, "", 1, "Requests for Flux, all refused.",
           Count<&M::flux_requests>},
          {"pingReq", kCounter, "varve_http_ping_requests_total", 1, "Requests to /ping.",
           Count<&M::ping_requests>},
          {"pointsWrittenDropped", kCounter, "varve_http_points_dropped_total", 1,
           "Points refused by /write.", Count<&M::points_dropped>},
          {"pointsWrittenOK", kCounter, "varve_http_points_written_total", 1,
           "Points accepted by /write.", Count<&M::points_written>},
          {"promReadReq", kCounter, "varve_http_prom_read_requests_total", 1,
           "Prometheus' remote reads.", Count<&M::prom_read_requests>},
          {"promWriteReq", kCounter, "varve_http_prom_write_requests_total", 1,
           "Prometheus' remote writes; also counted as writes.", Count<&M::prom_write_requests>},
          {"queryReq", kCounter, "varve_http_query_requests_total", 1, "Requests to /query.",
           Count<&M::query_requests>},
          {"queryReqDurationNs", kCounter, "", 1, "Time spent on them, in nanoseconds.",
           Count<&M::query_ns>},
          {"queryRespBytes", kCounter, "varve_http_query_bytes_total", 1,
           "Bytes of /query answers as sent.", Count<&M::query_bytes>},
          {"req", kCounter, "varve_http_requests_total", 1, "Requests answered.",
           Count<&M::requests>},
          {"reqActive", kGauge, "varve_http_requests_active", 1, "Requests being answered now.",
           Now<&M::requests_active>},
          {"reqDurationNs", kCounter, "varve_http_request_seconds_total", kSeconds,
           "Time spent on requests.", Count<&M::request_ns>},
          {"serverError", kCounter, "varve_http_server_errors_total", 1,
           "Answers with a status 5xx.", Count<&M::server_errors>},
          {"statusReq", kCounter, "", 1, "Requests to /status.", Count<&M::status_requests>},
          {"valuesWrittenOK", kCounter, "varve_http_values_written_total", 1,
           "Field values accepted by /write.", Count<&M::values_written>},
          {"writeReq", kCounter, "varve_http_write_requests_total", 1, "Requests to /write.",
           Count<&M::write_requests>},
          {"writeReqActive", kGauge, "varve_writes_active", 1, "Writes not answered yet.",
           Now<&M::writes_active>},
          {"writeReqBytes", kCounter, "varve_http_write_bytes_total", 1,
           "Bytes of /write bodies as received.", Count<&M::write_bytes>},
          {"writeReqDurationNs", kCounter, "", 1, "Time spent on writes, in nanoseconds.",
           Count<&M::write_ns>},
      }};
}

}  // namespace

std::vector<StatisticGroup> RequestStatistics() {
  using M = Metrics;
  return {
      Httpd(),
      {"queryExecutor",
       kServer,
       "Requests with InfluxQL.",
       {},
       {
           {"queriesActive", kGauge, "varve_queries_active", 1, "Queries running or waiting now.",
            Now<&M::queries_active>},
           {"queriesExecuted", kCounter, "", 1, "Queries begun.",
            [](const Item& item) { return QueriesFinished(item) + Now<&M::queries_active>(item); }},
           {"queriesFinished", kCounter, "", 1, "Queries ended.", QueriesFinished},
           {"queryDurationNs", kCounter, "", 1, "Time they took, in nanoseconds.",
            Count<&M::query_ns>},
       }},
      {"varve_http_status",
       kAnswer,
       "Answers by status code.",
       {{"code", "code", [](const Item& item) { return base::StrCat(item.answer->code); }}},
       {
           {"answers", kCounter, "varve_http_answers_total", 1, "Answers with this status.",
            [](const Item& item) { return static_cast<int64_t>(item.answer->count); }},
       }},
      {"varve_latency",
       kOperation,
       "How long a query, a write or an fdatasync of the log takes; /metrics has histograms.",
       {{"operation", "", [](const Item& item) { return std::string(item.latency->operation); }}},
       {
           {"count", kCounter, "", 1, "Operations.",
            [](const Item& item) { return static_cast<int64_t>(item.latency->all.Total()); }},
           {"p50Ns", kGauge, "", 1, "Half of those of the last minute or two took no longer.",
            Quantile<50>},
           {"p95Ns", kGauge, "", 1, "Of 100, 95 took no longer.", Quantile<95>},
           {"p99Ns", kGauge, "", 1, "Of 100, 99 took no longer.", Quantile<99>},
           {"sumNs", kCounter, "", 1, "Time they took together.",
            [](const Item& item) { return static_cast<int64_t>(item.latency->all.sum_ns); }},
       }},
  };
}

}  // namespace varve::http
