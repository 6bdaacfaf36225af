#include "server/serve.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/status.h"
#include "http/health.h"
#include "http/query_threads.h"
#include "http/server.h"
#include "http/statistics.h"
#include "http/version.h"
#include "server/config_diagnostics.h"
#include "server/health_log.h"
#include "server/monitor.h"
#include "server/stop_deadline.h"

namespace varve::server {
namespace {

constexpr size_t kQueryThreadsMax = 512;
constexpr size_t kQueryQueueMax = 1024;
// What there is to do behind the last request takes less, by far; see docs/operations.md.
constexpr int64_t kCloseNs = 3'000'000'000;
constexpr absl::Duration kHealthRound = absl::Seconds(5);

// Signals come to sigwait() below, on no thread by surprise.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void LogDeclared(const std::vector<std::string>& changes, Logger& logger) {
  for (const std::string& change : changes) logger.Info("declared", {{"change", change}});
}

absl::Status Declare(std::vector<retention::DeclaredDatabase> databases, Instance& instance,
                     Logger& logger) {
  ASSIGN_OR_RETURN(const std::vector<std::string> changes, instance.Declare(std::move(databases)));
  LogDeclared(changes, logger);
  return absl::OkStatus();
}

// For `varved config apply`. The lock is on the file, not on what it holds.
absl::Status WritePid(base::Env& env, const std::string& lock_file) {
  ASSIGN_OR_RETURN(const auto file, env.CreateFile(lock_file));
  RETURN_IF_ERROR(file->Append(base::StrCat(getpid(), "\n")));
  return file->Close();
}

// Null when the statistics are not to be stored.
std::unique_ptr<Monitor> MakeMonitor(const Options& options, Instance& instance,
                                     const http::Services& services, Logger& logger) {
  if (!options.monitor_store_enabled) return nullptr;
  Monitor::Environment environment;
  environment.env = services.env;
  environment.catalog = &instance.catalog();
  environment.store = &instance.store();
  environment.database = options.monitor_store_database;
  environment.interval_ns = options.monitor_store_interval_ns;
  environment.hostname = http::HostName();
  environment.statistics = [&services] { return http::CollectStatistics(services); };
  const std::string& database = options.monitor_store_database;
  environment.on_error = [&logger, &database](const absl::Status& error) {
    logger.Warn("statistics are not stored",
                {{"database", database}, {"error", std::string(base::MessageOf(error))}});
  };
  environment.on_recovered = [&logger, &database](uint64_t missed) {
    logger.Info("statistics are stored again",
                {{"database", database}, {"missed", base::StrCat(missed)}});
  };
  environment.on_dropped = [&logger, &database] {
    logger.Info(
        "statistics are not stored: their database was dropped, and is made again at the "
        "next start",
        {{"database", database}});
  };
  return std::make_unique<Monitor>(std::move(environment));
}

bool IsLoopback(std::string_view address) {
  return address.substr(0, 4) == "127." || address == "::1";
}

std::string TimeText(int64_t ns) {
  return absl::FormatTime(absl::RFC3339_full, absl::FromUnixNanos(ns), absl::UTCTimeZone());
}

std::string MillisecondText(int64_t ns) {
  return base::StrCat(static_cast<double>(ns / 1000) / 1000, "ms");
}

void LogCertificate(const Options& options, const http::TlsContext& tls, int64_t now_ns,
                    Logger& logger) {
  const std::string expires = TimeText(tls.expires_ns());
  if (tls.expires_ns() < now_ns) {
    logger.Warn("certificate has expired",
                {{"file", options.https_certificate}, {"expires", expires}});
  } else {
    logger.Info("read certificate", {{"file", options.https_certificate}, {"expires", expires}});
  }
}

// The old certificate stays in use when there is something wrong with the new one.
void ReloadTls(base::Env& env, const Options& options, http::Server& server, Logger& logger) {
  auto tls = http::TlsContext::Load(env, MakeTlsOptions(options));
  if (!tls.ok()) {
    logger.Error("certificate is not replaced",
                 {{"error", std::string(base::MessageOf(tls.status()))}});
    return;
  }
  LogCertificate(options, **tls, env.NowNs(), logger);
  server.UseTls(*std::move(tls));
}

}  // namespace

absl::StatusOr<InstanceOptions> MakeInstanceOptions(const Options& options) {
  InstanceOptions result;
  SetFolders(options.root_dir, &result);
  if (!options.meta_dir.empty()) {
    result.meta_folder = options.meta_dir;
    // The catalog is what two servers must never share.
    result.lock_file = base::JoinPath(options.meta_dir, "LOCK");
  }
  result.catalog.retention_autocreate = options.retention_autocreate;
  engine::StoreOptions& store = result.store;
  if (!options.store_dir.empty()) store.data_folder = options.store_dir;
  if (!options.wal_dir.empty()) store.wal_folder = options.wal_dir;
  store.sync = options.wal_sync == "interval" ? wal::SyncPolicy::kInterval
               : options.wal_sync == "off"    ? wal::SyncPolicy::kOff
                                              : wal::SyncPolicy::kAlways;
  store.sync_interval_ms = std::max<int64_t>(1, options.wal_sync_interval_ns / 1'000'000);
  store.cache_bytes_max = options.cache_bytes_max;
  store.cache_snapshot_bytes = options.cache_snapshot_bytes;
  store.cache_snapshot_cold_ns = options.cache_snapshot_cold_ns;
  store.compact_cold_ns = options.compact_cold_ns;
  store.compact_bytes_per_second = options.compact_throughput;
  store.max_series_per_database = options.max_series_per_database;
  store.max_values_per_tag = options.max_values_per_tag;
  store.background_threads = std::max<uint64_t>(1, options.max_concurrent_compactions);

  query::QueryLimits& limits = result.limits;
  limits.timeout_ns = options.query_timeout_ns;
  limits.max_concurrent = options.max_concurrent_queries;
  limits.max_select_points = options.max_select_point;
  limits.max_select_series = options.max_select_series;
  limits.max_select_buckets = options.max_select_buckets;
  limits.memory_bytes = options.max_query_memory;
  limits.log_after_ns = options.log_queries_after_ns;
  result.query_threads = options.query_threads;

  result.declared = options.databases;
  result.enforce_retention = options.retention_enabled;
  result.retention_check_interval_ns = options.retention_check_interval_ns;
  result.run_continuous_queries = options.continuous_queries_enabled;
  result.continuous_queries_interval_ns = options.continuous_queries_interval_ns;
  return result;
}

absl::StatusOr<http::HttpOptions> MakeHttpOptions(const Options& options) {
  http::HttpOptions result;
  const std::string& bind = options.http_bind_address;
  const size_t colon = bind.rfind(':');
  const char* end = bind.data() + bind.size();
  const auto port = colon == std::string::npos
                        ? std::from_chars_result{end, std::errc::invalid_argument}
                        : std::from_chars(bind.data() + colon + 1, end, result.port);
  if (port.ec != std::errc() || port.ptr != end) {
    return base::InvalidArgument("http.bind-address: \"", bind, "\" is no HOST:PORT");
  }
  result.address = bind.substr(0, colon);
  if (result.address.empty()) result.address = "0.0.0.0";
  if (result.address == "localhost") result.address = "127.0.0.1";
  if (result.address.size() > 2 && result.address.front() == '[') {
    result.address = result.address.substr(1, result.address.size() - 2);
  }
  result.threads = options.network_threads;
  result.auth_enabled = options.auth_enabled;
  result.ping_auth_enabled = options.ping_auth_enabled;
  result.realm = options.realm;
  result.shared_secret = options.shared_secret;
  result.max_body_bytes = options.max_body_size;
  result.max_rows = options.max_row_limit;
  result.max_held_bytes = options.max_query_memory;
  result.max_connections = options.max_connection_limit;
  result.idle_timeout_ms = options.idle_timeout_ns / 1'000'000;
  result.headers = options.http_headers;
  return result;
}

http::TlsOptions MakeTlsOptions(const Options& options) {
  http::TlsOptions result;
  result.certificate = options.https_certificate;
  result.private_key = options.https_private_key;
  result.min_version = options.tls_min_version;
  result.max_version = options.tls_max_version;
  std::string_view words = options.tls_ciphers;
  while (!words.empty()) {
    const size_t comma = words.find(',');
    result.ciphers.emplace_back(words.substr(0, comma));
    words.remove_prefix(comma == words.npos ? words.size() : comma + 1);
  }
  return result;
}

absl::Status Serve(const Options& options, const std::vector<std::string>& ignored,
                   const OptionsReader& read_again, Logger& logger) {
  const sigset_t signals = BlockStopSignals();
  base::Env& env = base::Env::Default();
  logger.Info("starting", {{"version", std::string(http::kVarveVersion)},
                           {"influxdb", std::string(http::kInfluxVersion)}});
  for (const std::string& key : ignored) {
    logger.Warn("key of the configuration has no meaning here and is ignored", {{"key", key}});
  }
  if (options.monitor_store_enabled && options.monitor_store_database.empty()) {
    return base::InvalidArgument("monitor.store-database: a database must be named");
  }
  ASSIGN_OR_RETURN(InstanceOptions instance_options, MakeInstanceOptions(options));
  instance_options.store.on_damage = [&logger](const absl::Status& damage) {
    logger.Error("data is damaged", {{"damage", std::string(base::MessageOf(damage))}});
  };
  http::Services services;
  ASSIGN_OR_RETURN(services.options, MakeHttpOptions(options));
  if (options.https_enabled) {
    ASSIGN_OR_RETURN(services.tls, http::TlsContext::Load(env, MakeTlsOptions(options)));
    LogCertificate(options, *services.tls, env.NowNs(), logger);
  }
  services.on_handshake_error = [&logger](std::string_view client, std::string_view error) {
    logger.Debug("no TLS with a client",
                 {{"client", std::string(client)}, {"error", std::string(error)}});
  };
  if (!services.options.auth_enabled && !IsLoopback(services.options.address)) {
    logger.Warn("others can reach this server and authentication is off",
                {{"address", services.options.address}});
  }

  http::Metrics metrics;
  services.env = &env;
  services.metrics = &metrics;
  services.start_ns = env.NowNs();
  if (options.http_log_enabled) {
    services.access_log = [&logger](const http::AccessRecord& record) {
      logger.Info("request", {{"method", std::string(record.method)},
                              {"path", std::string(record.path)},
                              {"status", base::StrCat(record.status)},
                              {"bytes", base::StrCat(record.bytes)},
                              {"duration", MillisecondText(record.duration_ns)},
                              {"client", std::string(record.client)}});
    };
  }
  instance_options.on_slow_query = [&logger](std::string_view query, std::string_view database,
                                             int64_t duration_ns) {
    logger.Warn("query took long", {{"query", std::string(query)},
                                    {"database", std::string(database)},
                                    {"duration", MillisecondText(duration_ns)}});
  };
  instance_options.on_shard_expired = [&logger](const retention::ExpiredShard& shard) {
    logger.Info("dropped expired shard", {{"database", shard.database_name},
                                          {"policy", shard.policy_name},
                                          {"shard", base::StrCat(shard.shard)},
                                          {"start", TimeText(shard.range.min_ns)},
                                          {"end", TimeText(shard.range.max_ns + 1)},
                                          {"bytes", base::StrCat(shard.bytes)}});
  };
  instance_options.on_points_expired = [&logger](const retention::ExpiredPoints& points) {
    logger.Info("deleted expired points", {{"database", points.database_name},
                                           {"policy", points.policy_name},
                                           {"measurement", points.measurement},
                                           {"before", TimeText(points.before_ns)}});
  };
  instance_options.on_retention_error = [&logger](const absl::Status& error) {
    logger.Error("enforcing retention failed", {{"error", std::string(base::MessageOf(error))}});
  };
  if (options.continuous_queries_log) {
    instance_options.on_query_run = [&logger](const retention::QueryRun& run) {
      logger.Info("finished continuous query", {{"name", run.name},
                                                {"database", run.database},
                                                {"start", TimeText(run.span.start_ns)},
                                                {"end", TimeText(run.span.end_ns)},
                                                {"again", run.again ? "true" : "false"},
                                                {"written", base::StrCat(run.points_written)},
                                                {"duration", MillisecondText(run.duration_ns)}});
    };
  }
  instance_options.on_query_error = [&logger](const retention::QueryError& error) {
    logger.Error("continuous query failed",
                 {{"name", error.name},
                  {"database", error.database},
                  {"error", std::string(base::MessageOf(error.status))}});
  };
  // Asked only by queries, which come when `services` is complete.
  instance_options.facts.statistics = [&services] { return http::CollectStatistics(services); };
  instance_options.facts.diagnostics = [&services, &options] {
    std::vector<query::StatisticsRow> rows = http::CollectDiagnostics(services);
    for (query::StatisticsRow& row : ConfigDiagnostics(options)) rows.push_back(std::move(row));
    return rows;
  };

  const std::string lock_file = instance_options.lock_file;
  const int64_t open_ns = env.MonotonicNs();
  ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance,
                   Instance::Open(env, std::move(instance_options)));
  logger.Info("opened data folder", {{"folder", options.root_dir},
                                     {"duration", MillisecondText(env.MonotonicNs() - open_ns)}});
  LogDeclared(instance->declared_changes(), logger);
  RETURN_IF_ERROR(WritePid(env, lock_file));
  auto query_threads = std::make_unique<http::QueryThreads>(kQueryThreadsMax, kQueryQueueMax);
  services.catalog = &instance->catalog();
  services.store = &instance->store();
  services.executor = &instance->executor();
  services.enforcer = instance->enforcer();
  services.continuous_queries = instance->continuous_queries();
  services.continuous_query_stats = options.continuous_queries_stats;
  services.query_threads = query_threads.get();

  const std::unique_ptr<Monitor> monitor = MakeMonitor(options, *instance, services, logger);
  if (monitor != nullptr) services.monitor = [&monitor] { return monitor->Status(); };

  ASSIGN_OR_RETURN(std::unique_ptr<http::Server> server, http::Server::Start(services));
  services.options.port = server->port();
  if (monitor != nullptr) monitor->Start();
  HealthLog health_log(logger);
  auto health_thread = std::make_unique<retention::Ticker>(
      kHealthRound, [&] { health_log.Look(http::FailingChecks(services)); });
  logger.Info("listening",
              {{"address", base::StrCat(services.options.address, ":", server->port())},
               {"auth", options.auth_enabled ? "on" : "off"},
               {"tls", options.https_enabled ? "on" : "off"}});

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    auto again = read_again();
    const absl::Status status =
        again.ok() ? Declare(std::move(again->databases), *instance, logger) : again.status();
    if (status.ok()) {
      logger.Info("read the configuration again: what it declares is in force");
    } else {
      logger.Error("configuration is not applied",
                   {{"error", std::string(base::MessageOf(status))}});
    }
    if (options.https_enabled) ReloadTls(env, options, *server, logger);
  }
  logger.Info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  const StopDeadline deadline(signals, options.shutdown_timeout_ns + kCloseNs, logger);
  if (monitor != nullptr) monitor->Stop();
  health_thread.reset();
  server->Stop(options.shutdown_timeout_ns / 1'000'000);
  query_threads.reset();
  instance->CloseStore();
  server.reset();
  instance.reset();
  logger.Info("stopped");
  return absl::OkStatus();
}

}  // namespace varve::server
