// Where a subscription may send points.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace varve::meta {

// OK for udp://, http:// and https:// with a host and a port; otherwise INVALID_ARGUMENT
// "invalid subscription URL: <url>".
absl::Status CheckSubscriptionUrl(std::string_view url);

}  // namespace varve::meta
