// [[database]] tables of the configuration file.
#pragma once

#include <toml++/toml.h>

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "retention/declarations.h"

namespace varve::server {

// INVALID_ARGUMENT names file, line, key and what is expected: an unknown key, a bad value, a name
// given twice, a policy that cannot be. Whether the continuous queries mean something is found out
// when they are declared. `file` stands for the document in messages.
absl::StatusOr<std::vector<retention::DeclaredDatabase>> ReadDeclared(const toml::array& databases,
                                                                      std::string_view file);

}  // namespace varve::server
