#include "server/options.h"

#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "server/edit_distance.h"

namespace varve::server {

const std::vector<OptionSpec>& OptionTable() {
  using K = OptionKind;
  using O = Options;
  static const std::vector<OptionSpec> table = {
      {"", "root-dir", K::kText, &O::root_dir, "varve-data", "",
       "Folder that holds meta/, data/, wal/ and the lock; one server at a time owns it. "
       "--data-dir on the command line sets it."},

      {"meta", "dir", K::kText, &O::meta_dir, "", "",
       "Folder of the catalog; empty: meta/ in root-dir."},
      {"meta", "retention-autocreate", K::kBool, &O::retention_autocreate, "true", "",
       "Whether a new database gets the retention policy autogen."},

      {"data", "dir", K::kText, &O::store_dir, "", "",
       "Folder of the shards; empty: data/ in root-dir."},
      {"data", "wal-dir", K::kText, &O::wal_dir, "", "",
       "Folder of the write-ahead log; empty: wal/ in root-dir."},
      {"data", "wal-sync", K::kChoice, &O::wal_sync, "always", "always|interval|off",
       "When the log is synced: before a write is acknowledged (writers that arrive together share "
       "one sync), every wal-sync-interval, or when the system likes. Only `always` survives a "
       "power cut without loss."},
      {"data", "wal-sync-interval", K::kDuration, &O::wal_sync_interval_ns, "1s", "1ms to 1h",
       "How often the log is synced with wal-sync = \"interval\"."},
      {"data", "cache-max-memory-size", K::kBytes, &O::cache_bytes_max, "1g", "1m or more",
       "Memory for points that are not in files yet; beyond it writes are answered 503."},
      {"data", "cache-snapshot-memory-size", K::kBytes, &O::cache_snapshot_bytes, "25m",
       "64k or more", "A shard's cache is written to a file at this size."},
      {"data", "cache-snapshot-write-cold-duration", K::kDuration, &O::cache_snapshot_cold_ns,
       "10m", "1s or more", "A shard's cache is written when it got no point for so long."},
      {"data", "compact-full-write-cold-duration", K::kDuration, &O::compact_cold_ns, "4h",
       "1s or more", "A shard is merged into one file when it got no point for so long."},
      {"data", "compact-throughput", K::kBytes, &O::compact_throughput, "48m", "0: no limit",
       "Bytes per second that merges of files may write."},
      {"data", "max-concurrent-compactions", K::kCount, &O::max_concurrent_compactions, "0",
       "0 to 64; 0: one", "Background threads that write and merge files."},
      {"data", "max-series-per-database", K::kCount, &O::max_series_per_database, "0",
       "0: no limit", "Series a database may have; points of further ones are refused."},
      {"data", "max-values-per-tag", K::kCount, &O::max_values_per_tag, "0", "0: no limit",
       "Values a tag of a measurement may have; points with further ones are refused."},

      {"coordinator", "query-timeout", K::kDuration, &O::query_timeout_ns, "0s", "0s: no limit",
       "A query that takes longer is stopped."},
      {"coordinator", "max-concurrent-queries", K::kCount, &O::max_concurrent_queries, "0",
       "0: no limit", "Queries that may run at a time; further ones are refused."},
      {"coordinator", "log-queries-after", K::kDuration, &O::log_queries_after_ns, "0s",
       "0s: never", "A query that takes longer is logged."},
      {"coordinator", "max-select-point", K::kCount, &O::max_select_point, "0", "0: no limit",
       "Points a SELECT may read."},
      {"coordinator", "max-select-series", K::kCount, &O::max_select_series, "0", "0: no limit",
       "Series a SELECT may read."},
      {"coordinator", "max-select-buckets", K::kCount, &O::max_select_buckets, "0", "0: no limit",
       "Windows of GROUP BY time() a SELECT may make."},
      {"coordinator", "max-query-memory", K::kBytes, &O::max_query_memory, "1g", "1m or more",
       "Memory one query may use, and what of an answer in MessagePack is held."},
      {"coordinator", "query-threads", K::kCount, &O::query_threads, "0",
       "0 to 1024; 0: one per core", "Threads that share the work of all queries."},

      {"retention", "enabled", K::kBool, &O::retention_enabled, "true", "",
       "Whether shards older than their policy keeps are dropped."},
      {"retention", "check-interval", K::kDuration, &O::retention_check_interval_ns, "30m",
       "1s or more",
       "How often expired shards are looked for; it is also done when a policy changes."},

      {"continuous_queries", "enabled", K::kBool, &O::continuous_queries_enabled, "true", "",
       "Whether continuous queries are run."},
      {"continuous_queries", "log-enabled", K::kBool, &O::continuous_queries_log, "true", "",
       "Whether each of their runs is logged; errors always are."},
      {"continuous_queries", "query-stats-enabled", K::kBool, &O::continuous_queries_stats, "false",
       "", "Whether /metrics and SHOW STATS tell of each continuous query."},
      {"continuous_queries", "run-interval", K::kDuration, &O::continuous_queries_interval_ns, "1s",
       "10ms or more", "How often it is looked for continuous queries that are due."},

      {"monitor", "store-enabled", K::kBool, &O::monitor_store_enabled, "true", "",
       "Whether the server stores its own statistics; see docs/monitoring.md."},
      {"monitor", "store-database", K::kText, &O::monitor_store_database, "_internal", "",
       "Database they are stored in; it is made with the policy monitor, which keeps 7 days."},
      {"monitor", "store-interval", K::kDuration, &O::monitor_store_interval_ns, "10s",
       "1s or more", "How often they are stored: at the multiples of it."},

      {"http", "bind-address", K::kText, &O::http_bind_address, "127.0.0.1:8086", "",
       "Address and port to listen on; \":8086\" is every address. Turn auth-enabled on before "
       "others can reach it."},
      {"http", "auth-enabled", K::kBool, &O::auth_enabled, "false", "",
       "Whether requests need a user."},
      {"http", "ping-auth-enabled", K::kBool, &O::ping_auth_enabled, "false", "",
       "Whether /ping, /health, /status and /metrics need a user, too."},
      {"http", "realm", K::kText, &O::realm, "InfluxDB", "",
       "Realm named to clients that must authenticate."},
      {"http", "shared-secret", K::kText, &O::shared_secret, "", "",
       "Secret of bearer tokens (JWT with HS256, HS384 or HS512); empty: they are refused."},
      {"http", "log-enabled", K::kBool, &O::http_log_enabled, "true", "",
       "Whether every request is logged."},
      {"http", "max-body-size", K::kBytes, &O::max_body_size, "25000000", "0: no limit",
       "Longest body of a request as it is sent; a packed one may unpack to ten times that."},
      {"http", "max-row-limit", K::kCount, &O::max_row_limit, "0", "0: no limit",
       "Rows of an answer that is not chunked; it is cut there and marked partial."},
      {"http", "max-connection-limit", K::kCount, &O::max_connection_limit, "0", "0: no limit",
       "Connections open at a time; further ones are closed at once."},
      {"http", "idle-timeout", K::kDuration, &O::idle_timeout_ns, "3m", "1s or more",
       "A connection without a request for so long is closed."},
      {"http", "shutdown-timeout", K::kDuration, &O::shutdown_timeout_ns, "5s", "0s to 1h",
       "How long requests may go on when the server is told to stop. The process ends at most "
       "three seconds later, whatever it does."},
      {"http", "network-threads", K::kCount, &O::network_threads, "0", "0 to 1024; 0: one per core",
       "Threads that talk to clients and take writes in."},
      {"http", "https-enabled", K::kBool, &O::https_enabled, "false", "",
       "Whether clients must speak TLS."},
      {"http", "https-certificate", K::kText, &O::https_certificate, "", "",
       "PEM file with the certificate, followed by those that sign it; read again on SIGHUP."},
      {"http", "https-private-key", K::kText, &O::https_private_key, "", "",
       "PEM file with the certificate's key, not encrypted; empty: it is in https-certificate."},

      {"tls", "min-version", K::kChoice, &O::tls_min_version, "tls1.2", "tls1.2|tls1.3",
       "The oldest version of TLS that is spoken."},
      {"tls", "max-version", K::kChoice, &O::tls_max_version, "tls1.3", "tls1.2|tls1.3",
       "The newest version of TLS that is spoken."},
      {"tls", "ciphers", K::kList, &O::tls_ciphers, "", "",
       "The cipher suites that are agreed to, by their names in the standards, in Go or in "
       "OpenSSL; "
       "a version that none of them belongs to has OpenSSL's."},

      {"logging", "format", K::kChoice, &O::log_format, "auto", "auto|logfmt|json",
       "Form of log lines; auto is logfmt."},
      {"logging", "level", K::kChoice, &O::log_level, "info", "debug|info|warn|error",
       "The least important lines that are logged."},
  };
  return table;
}

std::string OptionSpec::Name() const {
  return section.empty() ? std::string(key) : base::StrCat(section, ".", key);
}

std::string OptionSpec::Environment() const {
  std::string name = section.empty() ? std::string(key) : base::StrCat(section, "_", key);
  for (char& c : name) {
    if (c == '-' || c == '.') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return name;
}

Options DefaultOptions() {
  Options options;
  for (const OptionSpec& spec : OptionTable()) {
    const absl::Status status = SetOption(spec, spec.default_text, &options);
    CHECK(status.ok()) << spec.Name() << ": " << base::MessageOf(status);
  }
  return options;
}

std::string Suggest(std::string_view name) {
  std::string best;
  size_t best_distance = name.size() / 3 + 2;
  for (const OptionSpec& spec : OptionTable()) {
    const std::string candidate = spec.Name();
    const size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace varve::server
