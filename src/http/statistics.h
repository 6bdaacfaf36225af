// The server's statistics under the names that InfluxDB has for them, where they mean the same.
#pragma once

#include <vector>

#include "http/services.h"
#include "query/executor.h"

namespace varve::http {

// The rows of SHOW STATS and /debug/vars: `httpd`, `write`, `queryExecutor`, `database`, `shard`.
std::vector<query::StatisticsRow> CollectStatistics(const Services& services);

// The rows of SHOW DIAGNOSTICS: `build`, `network`, `system`.
std::vector<query::StatisticsRow> CollectDiagnostics(const Services& services);

}  // namespace varve::http
