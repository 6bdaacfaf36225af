// Where options come from: a TOML file, the environment.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/options.h"

namespace varve::server {

// Applies a TOML document to `options`. `name` stands for it in messages. INVALID_ARGUMENT names
// file and line: a syntax error, a bad value, an unknown key (with the key that was probably
// meant). Keys of InfluxDB that mean nothing here are added to `ignored`.
absl::Status ApplyToml(std::string_view document, std::string_view name, Options* options,
                       std::vector<std::string>* ignored);

// Applies VARVE_SECTION_KEY and INFLUXDB_SECTION_KEY, the former winning. `lookup` is getenv or a
// test's. INVALID_ARGUMENT names the variable.
absl::Status ApplyEnvironment(const std::function<const char*(const std::string&)>& lookup,
                              Options* options);

}  // namespace varve::server
