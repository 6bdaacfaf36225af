// What the endpoints need, in one place; filled by the server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "engine/store.h"
#include "http/metrics.h"
#include "http/query_threads.h"
#include "http/tls.h"
#include "meta/catalog.h"
#include "query/executor.h"
#include "retention/enforcer.h"

namespace varve::http {

// The [http] section. 0: no limit, where a number is a limit.
struct HttpOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8086;
  size_t threads = 0;  // 0: one per core
  bool auth_enabled = false;
  bool ping_auth_enabled = false;
  std::string realm = "InfluxDB";
  std::string shared_secret;  // of bearer tokens; empty: they are refused
  uint64_t max_body_bytes = 25'000'000;
  uint64_t max_rows = 0;  // of an answer that is not chunked
  // Of an answer that must be held whole, as MessagePack without chunks is; 0: any number.
  uint64_t max_held_bytes = uint64_t{1} << 30;
  size_t max_connections = 0;
  int64_t idle_timeout_ms = 180'000;     // a connection without a request
  int64_t progress_timeout_ms = 60'000;  // a peer that sends or takes nothing in mid-message
  int64_t handshake_timeout_ms =
      10'000;  // from accepting a connection to the end of TLS's greeting
  std::vector<std::pair<std::string, std::string>> headers;  // [http.headers]
};

// A finished request, for the access log. Borrowed for the call.
struct AccessRecord {
  std::string_view method;
  std::string_view path;
  std::string_view client;
  int status = 0;
  uint64_t bytes = 0;
  int64_t duration_ns = 0;
};

// How the server's own statistics are stored; counts since the start.
struct MonitorStatus {
  uint64_t writes = 0;
  uint64_t failures = 0;  // times nothing could be stored
  uint64_t points_written = 0;
  std::string last_error;  // of the last time; empty when it went well
};

// Everything pointed to outlives the HTTP server. Thread safety: read only.
struct Services {
  base::Env* env = nullptr;
  meta::Catalog* catalog = nullptr;
  engine::Store* store = nullptr;
  query::Executor* executor = nullptr;
  Metrics* metrics = nullptr;
  QueryThreads* query_threads = nullptr;
  const retention::Enforcer* enforcer = nullptr;                 // null: retention is not enforced
  const query::ContinuousQueries* continuous_queries = nullptr;  // null: they are not run
  bool continuous_query_stats = false;                           // tell of each
  std::function<MonitorStatus()> monitor;                        // empty: they are not stored
  HttpOptions options;
  std::shared_ptr<const TlsContext> tls;                // null: plain HTTP
  int64_t start_ns = 0;                                 // Env::NowNs() at the start
  std::function<void(const AccessRecord&)> access_log;  // may be empty; any thread
  // A client with which no TLS could be agreed on; may be empty; any thread.
  std::function<void(std::string_view client, std::string_view error)> on_handshake_error;
};

}  // namespace varve::http
