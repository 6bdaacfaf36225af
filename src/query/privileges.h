// Who may run what.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "query/ast.h"
#include "query/executor.h"

namespace varve::query {

// PERMISSION_DENIED with InfluxDB's text when `principal` may not run one of `statements`;
// `database` is the request's default.
absl::Status Authorize(const std::vector<Statement>& statements, const Principal& principal,
                       std::string_view database);

// True when `principal` is null, an admin, or holds `privilege` (or all) on `database`.
bool MayUse(const Principal* principal, std::string_view database, meta::Privilege privilege);

}  // namespace varve::query
