#include "http/statistics.h"

#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "base/strings.h"
#include "http/number_text.h"
#include "http/version.h"

namespace varve::http {
namespace {

using query::StatisticsRow;

void Add(StatisticsRow& row, std::string_view name, uint64_t value) {
  row.names.emplace_back(name);
  row.values.emplace_back(static_cast<int64_t>(value));
}
void AddText(StatisticsRow& row, std::string_view name, std::string value) {
  row.names.emplace_back(name);
  row.values.emplace_back(std::move(value));
}

StatisticsRow HttpRow(const Services& services) {
  const Metrics& m = *services.metrics;
  StatisticsRow row{"httpd", {}, {}, {}};
  row.tags.emplace_back("bind", base::StrCat(services.options.address, ":", services.options.port));
  Add(row, "authFail", m.auth_failures);
  Add(row, "clientError", m.client_errors);
  Add(row, "fluxQueryReq", m.flux_requests);
  Add(row, "pingReq", m.ping_requests);
  Add(row, "pointsWrittenDropped", m.points_dropped);
  Add(row, "pointsWrittenOK", m.points_written);
  Add(row, "promReadReq", m.prom_read_requests);
  Add(row, "promWriteReq", m.prom_write_requests);
  Add(row, "queryReq", m.query_requests);
  Add(row, "queryReqDurationNs", m.query_ns);
  Add(row, "queryRespBytes", m.query_bytes);
  Add(row, "req", m.requests);
  Add(row, "reqActive", static_cast<uint64_t>(m.requests_active.load()));
  Add(row, "reqDurationNs", m.request_ns);
  Add(row, "serverError", m.server_errors);
  Add(row, "statusReq", m.status_requests);
  Add(row, "valuesWrittenOK", m.values_written);
  Add(row, "writeReq", m.write_requests);
  Add(row, "writeReqActive", static_cast<uint64_t>(m.writes_active.load()));
  Add(row, "writeReqBytes", m.write_bytes);
  Add(row, "writeReqDurationNs", m.write_ns);
  return row;
}

std::string TimeText(int64_t ns) {
  char text[kNumberTextMax];
  return {text, TimeWriter().Write(text, ns)};
}

}  // namespace

std::vector<StatisticsRow> CollectStatistics(const Services& services) {
  std::vector<StatisticsRow> rows;
  rows.push_back(HttpRow(services));

  const engine::StoreStatus store = services.store->Status();
  StatisticsRow write{"write", {}, {}, {}};
  Add(write, "pointReq", store.points_written);
  Add(write, "valueReq", store.values_written);
  rows.push_back(std::move(write));

  StatisticsRow queries{"queryExecutor", {}, {}, {}};
  Add(queries, "queriesActive", static_cast<uint64_t>(services.metrics->queries_active.load()));
  Add(queries, "queriesExecuted", services.metrics->query_requests);
  Add(queries, "queryDurationNs", services.metrics->query_ns);
  rows.push_back(std::move(queries));

  std::map<model::DatabaseId, std::string> names;
  for (const meta::Database& database : services.catalog->Get()->databases) {
    names[database.id] = database.name;
  }
  for (const engine::ShardStatus& shard : services.store->Shards()) {
    StatisticsRow row{"shard", {}, {}, {}};
    row.tags.emplace_back("database", names[shard.database]);
    row.tags.emplace_back("id", base::StrCat(shard.shard));
    Add(row, "cacheBytes", shard.cache_bytes);
    Add(row, "diskBytes", shard.disk_bytes);
    Add(row, "files", shard.files);
    Add(row, "numSeries", shard.series);
    rows.push_back(std::move(row));
  }

  if (services.enforcer != nullptr) {
    const retention::EnforcerStatus status = services.enforcer->Status();
    StatisticsRow row{"varve_retention", {}, {}, {}};
    Add(row, "bytesDropped", status.bytes_dropped);
    Add(row, "checks", status.checks);
    Add(row, "failures", status.failures);
    Add(row, "shardsDropped", status.shards_dropped);
    rows.push_back(std::move(row));
  }

  if (services.continuous_queries != nullptr) {
    const auto list = services.continuous_queries->Status();
    StatisticsRow all{"cq", {}, {}, {}};
    uint64_t ok = 0, failed = 0;
    for (const auto& query : list) {
      ok += query.runs;
      failed += query.errors;
    }
    Add(all, "queryFail", failed);
    Add(all, "queryOk", ok);
    rows.push_back(std::move(all));
    for (const auto& query : list) {
      if (!services.continuous_query_stats) break;
      StatisticsRow row{"cq_query", {{"cq", query.name}, {"db", query.database}}, {}, {}};
      Add(row, "pointsWrittenOK", query.points_written);
      Add(row, "queryOk", query.runs);
      Add(row, "queryFail", query.errors);
      rows.push_back(std::move(row));
    }
  }

  StatisticsRow engine_row{"varve_engine", {}, {}, {}};
  Add(engine_row, "cacheBytes", store.cache_bytes);
  Add(engine_row, "compactions", store.compactions);
  Add(engine_row, "flushes", store.flushes);
  Add(engine_row, "walBytes", store.wal_bytes);
  rows.push_back(std::move(engine_row));
  return rows;
}

std::vector<StatisticsRow> CollectDiagnostics(const Services& services) {
  std::vector<StatisticsRow> rows;
  StatisticsRow build{"build", {}, {}, {}};
  AddText(build, "Version", std::string(kInfluxVersion));
  AddText(build, "Varve", std::string(kVarveVersion));
  rows.push_back(std::move(build));

  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  StatisticsRow network{"network", {}, {}, {}};
  AddText(network, "hostname", host);
  rows.push_back(std::move(network));

  const int64_t now_ns = services.env->NowNs();
  StatisticsRow system{"system", {}, {}, {}};
  Add(system, "PID", static_cast<uint64_t>(getpid()));
  AddText(system, "currentTime", TimeText(now_ns));
  AddText(system, "started", TimeText(services.start_ns));
  AddText(system, "uptime", base::StrCat((now_ns - services.start_ns) / 1'000'000'000, "s"));
  rows.push_back(std::move(system));
  return rows;
}

}  // namespace varve::http
