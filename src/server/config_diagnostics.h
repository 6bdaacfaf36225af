// The settings as SHOW DIAGNOSTICS tells them.
#pragma once

#include <vector>

#include "query/executor.h"
#include "server/options.h"

namespace varve::server {

// A row for each section of the configuration, named as InfluxDB names it: `config-data`,
// `config-httpd`, ... Secrets are left out.
std::vector<query::StatisticsRow> ConfigDiagnostics(const Options& options);

}  // namespace varve::server
