// varved's options: one table that yields the configuration file, --help, the environment names
// and docs/configuration.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "retention/declarations.h"

namespace varve::server {

// The effective configuration. Durations are nanoseconds, sizes bytes; 0 is "no limit" where the
// table says so.
struct Options {
  std::string root_dir;

  std::string meta_dir;  // empty: in root_dir, as the two below
  bool retention_autocreate = false;

  std::string store_dir;
  std::string wal_dir;
  std::string wal_sync;
  int64_t wal_sync_interval_ns = 0;
  uint64_t cache_bytes_max = 0;
  uint64_t cache_snapshot_bytes = 0;
  int64_t cache_snapshot_cold_ns = 0;
  int64_t compact_cold_ns = 0;
  uint64_t compact_throughput = 0;
  uint64_t max_concurrent_compactions = 0;
  uint64_t max_series_per_database = 0;
  uint64_t max_values_per_tag = 0;

  int64_t query_timeout_ns = 0;
  uint64_t max_concurrent_queries = 0;
  int64_t log_queries_after_ns = 0;
  uint64_t max_select_point = 0;
  uint64_t max_select_series = 0;
  uint64_t max_select_buckets = 0;
  uint64_t max_query_memory = 0;
  uint64_t query_threads = 0;

  bool retention_enabled = false;
  int64_t retention_check_interval_ns = 0;

  bool continuous_queries_enabled = false;
  bool continuous_queries_log = false;
  bool continuous_queries_stats = false;
  int64_t continuous_queries_interval_ns = 0;

  bool monitor_store_enabled = false;
  std::string monitor_store_database;
  int64_t monitor_store_interval_ns = 0;

  std::string http_bind_address;
  bool auth_enabled = false;
  bool ping_auth_enabled = false;
  std::string realm;
  std::string shared_secret;
  bool http_log_enabled = false;
  uint64_t max_body_size = 0;
  uint64_t max_row_limit = 0;
  uint64_t max_connection_limit = 0;
  int64_t idle_timeout_ns = 0;
  int64_t shutdown_timeout_ns = 0;
  uint64_t network_threads = 0;
  bool https_enabled = false;
  std::string https_certificate;
  std::string https_private_key;
  std::vector<std::pair<std::string, std::string>> http_headers;  // [http.headers]

  std::string tls_min_version;
  std::string tls_max_version;
  std::string tls_ciphers;

  std::string log_format;
  std::string log_level;

  std::vector<retention::DeclaredDatabase> databases;  // [[database]]
};

// kList: words, joined with ',' in Options, in the environment and in defaults.
enum class OptionKind : uint8_t { kText, kBool, kCount, kBytes, kDuration, kChoice, kList };

// One row of the table.
struct OptionSpec {
  std::string_view section;  // empty: top level
  std::string_view key;
  OptionKind kind;
  std::variant<std::string Options::*, bool Options::*, uint64_t Options::*, int64_t Options::*>
      target;
  std::string_view default_text;
  // kCount, kBytes and kDuration: the least and the greatest value; kChoice: the words in `range`,
  // joined with '|'.
  std::string_view range;
  std::string_view sentence;

  std::string Name() const;         // "http.bind-address"
  std::string Environment() const;  // "HTTP_BIND_ADDRESS", behind VARVE_ or INFLUXDB_
};

// The table, in the order of documents.
const std::vector<OptionSpec>& OptionTable();

// Keys of InfluxDB 1.x that mean nothing here, as "section.key"; "section.*" is a whole section.
const std::vector<std::string_view>& IgnoredKeys();

// The defaults.
Options DefaultOptions();

// Sets one option from its text. INVALID_ARGUMENT names what is expected, not where it came from.
absl::Status SetOption(const OptionSpec& spec, std::string_view text, Options* options);
// The value as it would stand in a configuration file, without quotes.
std::string OptionText(const OptionSpec& spec, const Options& options);

// "10s", "1h30m", "0": nanoseconds. Units ns, u, us, ms, s, m, h, d, w.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);
std::string DurationText(int64_t ns);
// "25m", "1g", "1000": bytes; k, m and g are powers of 1024, as InfluxDB has them.
absl::StatusOr<uint64_t> ParseBytes(std::string_view text);
std::string BytesText(uint64_t bytes);

// The row closest to a misspelt name, as "http.bind-address"; empty when none is close.
std::string Suggest(std::string_view name);

}  // namespace varve::server
