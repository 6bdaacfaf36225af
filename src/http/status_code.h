// The one map from Status to HTTP.
#pragma once

#include "absl/status/status.h"

namespace varve::http {

// The HTTP status that a failed request is answered with; 200 for OK.
int HttpStatus(const absl::Status& status);
// True when the client should be told to come back (429 and 503: Retry-After).
bool ShouldRetry(int http_status);

}  // namespace varve::http
