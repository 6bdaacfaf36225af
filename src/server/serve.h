// Runs the server until it is told to stop.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "http/services.h"
#include "server/instance.h"
#include "server/logger.h"
#include "server/options.h"

namespace varve::server {

// The options in the terms of the rooms below. INVALID_ARGUMENT: an address that is none.
absl::StatusOr<InstanceOptions> MakeInstanceOptions(const Options& options);
absl::StatusOr<http::HttpOptions> MakeHttpOptions(const Options& options);

// Opens the data folder, serves, and returns when SIGINT or SIGTERM came and everything is closed,
// or when something fails at the start. `ignored` are keys of the configuration to name in the log.
// Called once, on the main thread, before any other thread is started.
absl::Status Serve(const Options& options, const std::vector<std::string>& ignored, Logger& logger);

}  // namespace varve::server
