// Runs the server until it is told to stop.
#pragma once

#include <functional>
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
http::TlsOptions MakeTlsOptions(const Options& options);

// Reads the configuration again; on SIGHUP.
using OptionsReader = std::function<absl::StatusOr<Options>()>;

// Opens the data folder, makes the catalog what `options` declare, serves, and returns when SIGINT
// or SIGTERM came and everything is closed, or when something fails at the start. `ignored` are
// keys of the configuration to name in the log. SIGHUP makes it read the configuration again and
// apply what it declares, and read the certificate again; the settings stay as they were at the
// start. Called once, on the
// main thread, before any other thread is started.
absl::Status Serve(const Options& options, const std::vector<std::string>& ignored,
                   const OptionsReader& read_again, Logger& logger);

}  // namespace varve::server
