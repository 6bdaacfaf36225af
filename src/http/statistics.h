// The server's statistics under the names that InfluxDB has for them, where they mean the same.
#pragma once

#include <string>
#include <vector>

#include "http/services.h"
#include "query/executor.h"

namespace varve::http {

// The rows of SHOW STATS, /debug/vars and `_internal`; see statistic_table.h.
std::vector<query::StatisticsRow> CollectStatistics(const Services& services);

// The rows of SHOW DIAGNOSTICS: `build`, `network`, `retention`, `runtime`, `system`.
std::vector<query::StatisticsRow> CollectDiagnostics(const Services& services);

// The name of the machine, as `hostname` is everywhere.
std::string HostName();

}  // namespace varve::http
