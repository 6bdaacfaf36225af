// GET /metrics: the server's counters in Prometheus' text format 0.0.4.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "http/endpoints.h"
#include "http/reply.h"
#include "http/version.h"

namespace varve::http {
namespace {

template <typename T>
void Append(std::string& out, std::string_view type, std::string_view name, std::string_view help,
            T value) {
  base::StrAppend(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", name, " ",
                  value, "\n");
}
template <typename T>
void AppendCounter(std::string& out, std::string_view name, std::string_view help, const T& value) {
  Append(out, "counter", name, help, static_cast<uint64_t>(value));
}
template <typename T>
void AppendGauge(std::string& out, std::string_view name, std::string_view help, const T& value) {
  Append(out, "gauge", name, help, static_cast<int64_t>(value));
}

void AppendHttp(std::string& out, const Metrics& m) {
  AppendCounter(out, "varve_http_requests_total", "HTTP requests answered.", m.requests);
  AppendCounter(out, "varve_http_query_requests_total", "Requests to /query.", m.query_requests);
  AppendCounter(out, "varve_http_write_requests_total", "Requests to /write.", m.write_requests);
  AppendCounter(out, "varve_http_client_errors_total", "Answers with a status 4xx.",
                m.client_errors);
  AppendCounter(out, "varve_http_server_errors_total", "Answers with a status 5xx.",
                m.server_errors);
  AppendCounter(out, "varve_http_auth_failures_total", "Answers with the status 401.",
                m.auth_failures);
  AppendCounter(out, "varve_http_write_bytes_total", "Bytes of /write bodies as received.",
                m.write_bytes);
  AppendCounter(out, "varve_http_query_bytes_total", "Bytes of /query answers as sent.",
                m.query_bytes);
  AppendCounter(out, "varve_http_connections_total", "Connections accepted.", m.connections_total);
  AppendCounter(out, "varve_http_connections_refused_total",
                "Connections closed because of max-connection-limit.", m.connections_refused);
  AppendGauge(out, "varve_http_connections", "Connections open now.", m.connections);
  AppendGauge(out, "varve_http_requests_active", "Requests being answered now.", m.requests_active);
  AppendGauge(out, "varve_queries_active", "Queries running or waiting now.", m.queries_active);
  AppendGauge(out, "varve_writes_active", "Writes not answered yet.", m.writes_active);
  AppendCounter(out, "varve_http_points_written_total", "Points accepted by /write.",
                m.points_written);
  AppendCounter(out, "varve_http_points_dropped_total", "Points refused by /write.",
                m.points_dropped);
  AppendCounter(out, "varve_http_values_written_total", "Field values accepted by /write.",
                m.values_written);
  m.query_latency.Append(out, "varve_query_duration_seconds",
                         "Time from the start of a query to the end of its answer.");
  m.write_latency.Append(out, "varve_write_duration_seconds",
                         "Time from a write's header to its answer.");
}

void AppendStore(std::string& out, const Services& services) {
  const engine::StoreStatus status = services.store->Status();
  AppendGauge(out, "varve_store_healthy", "1 when writes are taken.", status.health.ok() ? 1 : 0);
  AppendCounter(out, "varve_store_points_written_total", "Points accepted, from any source.",
                status.points_written);
  AppendCounter(out, "varve_store_values_written_total", "Field values accepted, from any source.",
                status.values_written);
  AppendGauge(out, "varve_store_cache_bytes", "Memory of points not yet in files.",
              status.cache_bytes);
  AppendGauge(out, "varve_store_wal_bytes", "Bytes of the write-ahead log.", status.wal_bytes);
  AppendCounter(out, "varve_store_flushes_total", "Caches written to files.", status.flushes);
  AppendCounter(out, "varve_store_compactions_total", "Merges of files.", status.compactions);
  uint64_t disk_bytes = 0;
  uint64_t files = 0;
  const std::vector<engine::ShardStatus> shards = services.store->Shards();
  std::string series =
      "# HELP varve_shard_series Series of a shard.\n# TYPE varve_shard_series gauge\n";
  for (const engine::ShardStatus& shard : shards) {
    disk_bytes += shard.disk_bytes;
    files += shard.files;
    base::StrAppend(series, "varve_shard_series{shard=\"", shard.shard, "\"} ", shard.series, "\n");
  }
  AppendGauge(out, "varve_store_shards", "Shards.", shards.size());
  AppendGauge(out, "varve_store_files", "Files of points.", files);
  AppendGauge(out, "varve_store_disk_bytes", "Bytes of files of points.", disk_bytes);
  if (!shards.empty()) out += series;
}

void AppendRetention(std::string& out, const retention::EnforcerStatus& status) {
  AppendCounter(out, "varve_retention_checks_total", "Times expired shards were looked for.",
                status.checks);
  AppendCounter(out, "varve_retention_failures_total", "Of these, those that met an error.",
                status.failures);
  AppendCounter(out, "varve_retention_shards_dropped_total", "Expired shards that were dropped.",
                status.shards_dropped);
  AppendCounter(out, "varve_retention_bytes_dropped_total", "Bytes of their files.",
                status.bytes_dropped);
  AppendGauge(out, "varve_retention_last_check_timestamp_seconds",
              "When expired shards were last looked for; 0: not yet.",
              status.last_check_ns / 1'000'000'000);
  AppendGauge(out, "varve_retention_last_drop_timestamp_seconds",
              "When a shard was last dropped; 0: not yet.", status.last_drop_ns / 1'000'000'000);
  AppendGauge(out, "varve_retention_clock_doubt_seconds",
              "How far the system's clock is ahead of the one that data expires by.",
              status.clock_doubt_ns / 1'000'000'000);
}

void AppendContinuousQueries(std::string& out,
                             const std::vector<query::ContinuousQueryStatus>& queries) {
  uint64_t runs = 0, errors = 0, written = 0, recomputed = 0, pending = 0;
  int64_t lag_ns = 0;
  for (const query::ContinuousQueryStatus& query : queries) {
    runs += query.runs;
    errors += query.errors;
    written += query.points_written;
    recomputed += query.windows_recomputed;
    pending += query.windows_pending;
    lag_ns = std::max(lag_ns, query.lag_ns);
  }
  AppendGauge(out, "varve_continuous_queries", "Continuous queries.", queries.size());
  AppendCounter(out, "varve_continuous_query_runs_total", "Runs that ended well.", runs);
  AppendCounter(out, "varve_continuous_query_errors_total", "Runs that failed.", errors);
  AppendCounter(out, "varve_continuous_query_points_written_total", "Points they wrote.", written);
  AppendCounter(out, "varve_continuous_query_windows_recomputed_total",
                "Windows computed again because of late, changed or deleted points.", recomputed);
  AppendGauge(out, "varve_continuous_query_windows_pending", "Windows to be computed again.",
              pending);
  AppendGauge(out, "varve_continuous_query_lag_seconds",
              "How long the most overdue continuous query has been due.", lag_ns / 1'000'000'000);
}

// A text as a label's value.
std::string Label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

void AppendEachQuery(std::string& out, const std::vector<query::ContinuousQueryStatus>& queries) {
  const auto series = [&](std::string_view type, std::string_view name, std::string_view help,
                          auto value) {
    base::StrAppend(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
    for (const query::ContinuousQueryStatus& query : queries) {
      base::StrAppend(out, name, "{db=\"", Label(query.database), "\",cq=\"", Label(query.name),
                      "\"} ", value(query), "\n");
    }
  };
  series("counter", "varve_cq_runs_total", "Runs that ended well.",
         [](const auto& query) { return query.runs; });
  series("counter", "varve_cq_points_written_total", "Points written.",
         [](const auto& query) { return query.points_written; });
  series("gauge", "varve_cq_last_run_timestamp_seconds", "When it last ran; 0: not yet.",
         [](const auto& query) { return query.last_run_ns / 1'000'000'000; });
}

}  // namespace

void HandleMetrics(const Services& services, ExchangePtr exchange, const Identity&) {
  Response response = MakeResponse(services, exchange->request(), 200, Format::kJson);
  response.headers[0].second = "text/plain; version=0.0.4; charset=utf-8";
  std::string& out = response.body;
  base::StrAppend(out, "# HELP varve_build_info The build.\n# TYPE varve_build_info gauge\n",
                  "varve_build_info{version=\"", kVarveVersion, "\"} 1\n");
  AppendGauge(out, "varve_uptime_seconds", "Time since the start.",
              (services.env->NowNs() - services.start_ns) / 1'000'000'000);
  AppendHttp(out, *services.metrics);
  AppendStore(out, services);
  if (services.enforcer != nullptr) AppendRetention(out, services.enforcer->Status());
  if (services.continuous_queries != nullptr) {
    const auto queries = services.continuous_queries->Status();
    AppendContinuousQueries(out, queries);
    if (services.continuous_query_stats && !queries.empty()) AppendEachQuery(out, queries);
  }
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
