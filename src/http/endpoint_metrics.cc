// GET /metrics: the server's counters in Prometheus' text format 0.0.4.
#include <string>
#include <string_view>

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
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
