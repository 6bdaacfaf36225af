// What is counted of that which runs by itself, and of the process.
#include "http/statistic_table.h"

namespace varve::http {
namespace {

using Item = StatisticItem;
using enum StatisticKind;
using enum StatisticScope;

constexpr int64_t kSeconds = 1'000'000'000;

int64_t Int(uint64_t value) { return static_cast<int64_t>(value); }

template <uint64_t retention::EnforcerStatus::*kField>
int64_t OfRetention(const Item& item) {
  return Int(item.state->retention.*kField);
}
template <int64_t retention::EnforcerStatus::*kField>
int64_t TimeOfRetention(const Item& item) {
  return item.state->retention.*kField;
}
template <uint64_t query::ContinuousQueryStatus::*kField>
int64_t OfQueries(const Item& item) {
  return Int(item.state->queries_sum.*kField);
}
template <uint64_t query::ContinuousQueryStatus::*kField>
int64_t OfQuery(const Item& item) {
  return Int(item.query->*kField);
}
template <uint64_t ProcessStatus::*kField>
int64_t OfProcess(const Item& item) {
  return Int(item.state->process.*kField);
}
template <uint64_t MonitorStatus::*kField>
int64_t OfMonitor(const Item& item) {
  return Int(item.state->monitor.*kField);
}

StatisticGroup Retention() {
  using R = retention::EnforcerStatus;
  return {"varve_retention",
          kRetention,
          "The dropping of expired shards.",
          {},
          {
              {"bytesDropped", kCounter, "varve_retention_bytes_dropped_total", 1,
               "Bytes of the files of dropped shards.", OfRetention<&R::bytes_dropped>},
              {"checks", kCounter, "varve_retention_checks_total", 1,
               "Times expired shards were looked for.", OfRetention<&R::checks>},
              {"clockDoubtNs", kGauge, "varve_retention_clock_doubt_seconds", kSeconds,
               "How far the system's clock is ahead of the one that data expires by.",
               TimeOfRetention<&R::clock_doubt_ns>},
              {"failures", kCounter, "varve_retention_failures_total", 1,
               "Checks that met an error.", OfRetention<&R::failures>},
              {"lastCheckNs", kGauge, "varve_retention_last_check_timestamp_seconds", kSeconds,
               "When expired shards were last looked for; 0: not yet.",
               TimeOfRetention<&R::last_check_ns>},
              {"lastDropNs", kGauge, "varve_retention_last_drop_timestamp_seconds", kSeconds,
               "When a shard was last dropped; 0: not yet.", TimeOfRetention<&R::last_drop_ns>},
              {"shardsDropped", kCounter, "varve_retention_shards_dropped_total", 1,
               "Expired shards that were dropped.", OfRetention<&R::shards_dropped>},
          }};
}

StatisticGroup Queries() {
  using Q = query::ContinuousQueryStatus;
  return {"cq",
          kQueries,
          "All continuous queries together.",
          {},
          {
              {"lagNs", kGauge, "varve_continuous_query_lag_seconds", kSeconds,
               "How long the most overdue continuous query has been due.",
               [](const Item& item) { return item.state->queries_sum.lag_ns; }},
              {"pointsWrittenOK", kCounter, "varve_continuous_query_points_written_total", 1,
               "Points they wrote.", OfQueries<&Q::points_written>},
              {"queries", kGauge, "varve_continuous_queries", 1, "Continuous queries.",
               [](const Item& item) { return Int(item.state->queries.size()); }},
              {"queryFail", kCounter, "varve_continuous_query_errors_total", 1, "Runs that failed.",
               OfQueries<&Q::errors>},
              {"queryOk", kCounter, "varve_continuous_query_runs_total", 1, "Runs that ended well.",
               OfQueries<&Q::runs>},
              {"windowsPending", kGauge, "varve_continuous_query_windows_pending", 1,
               "Windows to be computed again.", OfQueries<&Q::windows_pending>},
              {"windowsRecomputed", kCounter, "varve_continuous_query_windows_recomputed_total", 1,
               "Windows computed again because of late, changed or deleted points.",
               OfQueries<&Q::windows_recomputed>},
          }};
}

StatisticGroup EachQuery() {
  using Q = query::ContinuousQueryStatus;
  return {"cq_query",
          kQuery,
          "A continuous query; with query-stats-enabled only.",
          {{"cq", "cq", [](const Item& item) { return item.query->name; }},
           {"db", "db", [](const Item& item) { return item.query->database; }}},
          {
              {"lagNs", kGauge, "varve_cq_lag_seconds", kSeconds, "How long it has been due.",
               [](const Item& item) { return item.query->lag_ns; }},
              {"lastRunNs", kGauge, "varve_cq_last_run_timestamp_seconds", kSeconds,
               "When it last ran; 0: not yet.",
               [](const Item& item) { return item.query->last_run_ns; }},
              {"pointsWrittenOK", kCounter, "varve_cq_points_written_total", 1, "Points written.",
               OfQuery<&Q::points_written>},
              {"queryFail", kCounter, "varve_cq_errors_total", 1, "Runs that failed.",
               OfQuery<&Q::errors>},
              {"queryOk", kCounter, "varve_cq_runs_total", 1, "Runs that ended well.",
               OfQuery<&Q::runs>},
          }};
}

}  // namespace

std::vector<StatisticGroup> ServiceStatistics() {
  using P = ProcessStatus;
  return {
      Queries(),
      EachQuery(),
      Retention(),
      {"varve_monitor",
       kMonitor,
       "The storing of these statistics.",
       {},
       {
           {"pointsWritten", kCounter, "varve_monitor_points_written_total", 1, "Points stored.",
            OfMonitor<&MonitorStatus::points_written>},
           {"writeFail", kCounter, "varve_monitor_errors_total", 1,
            "Times the statistics could not be stored.", OfMonitor<&MonitorStatus::failures>},
           {"writeOk", kCounter, "varve_monitor_writes_total", 1,
            "Times the statistics were stored.", OfMonitor<&MonitorStatus::writes>},
       }},
      {"runtime",
       kServer,
       "Memory and threads under InfluxDB's names; it tells of Go's heap.",
       {},
       {
           {"Alloc", kGauge, "", 1, "Memory in use that is no mapped file.",
            OfProcess<&P::anonymous_bytes>},
           {"HeapAlloc", kGauge, "", 1, "The same.", OfProcess<&P::anonymous_bytes>},
           {"HeapInUse", kGauge, "", 1, "The same.", OfProcess<&P::anonymous_bytes>},
           {"NumGoroutine", kGauge, "", 1, "Threads.", OfProcess<&P::threads>},
           {"Sys", kGauge, "", 1, "Memory in RAM, mapped files included.",
            OfProcess<&P::resident_bytes>},
       }},
      {"varve_process",
       kServer,
       "The process.",
       {},
       {
           {"cpuNs", kCounter, "process_cpu_seconds_total", kSeconds,
            "Processor time, user and system.", OfProcess<&P::cpu_ns>},
           {"openFiles", kGauge, "process_open_fds", 1, "Open files and sockets.",
            OfProcess<&P::open_files>},
           {"openFilesMax", kGauge, "process_max_fds", 1, "How many it may have.",
            OfProcess<&P::open_files_max>},
           {"residentBytes", kGauge, "process_resident_memory_bytes", 1,
            "Memory in RAM, mapped files included.", OfProcess<&P::resident_bytes>},
           {"startNs", kGauge, "process_start_time_seconds", kSeconds, "When it was started.",
            [](const Item& item) { return item.state->services->start_ns; }},
           {"threads", kGauge, "process_threads", 1, "Threads.", OfProcess<&P::threads>},
           {"uptimeNs", kGauge, "varve_uptime_seconds", kSeconds, "Time since the start.",
            [](const Item& item) { return item.state->now_ns - item.state->services->start_ns; }},
       }},
  };
}

}  // namespace varve::http
