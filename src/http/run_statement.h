// Statements that endpoints other than /query run for their callers.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "http/auth.h"
#include "http/message.h"
#include "http/services.h"

namespace varve::http {

// Runs one statement in the name of `who`, drops its rows, and returns its error, whether it came
// before or while it ran; PERMISSION_DENIED also when there is no admin user yet. Blocks: not for
// network threads.
absl::Status RunStatement(const Services& services, const Identity& who, const Request& request,
                          std::string text, std::string database);
// The same with the rows going to `rows`, whose errors stop the statement and are returned.
absl::Status RunStatement(const Services& services, const Identity& who, const Request& request,
                          std::string text, std::string database,
                          const std::function<absl::Status(const query::RowBatch&)>& rows);

}  // namespace varve::http
