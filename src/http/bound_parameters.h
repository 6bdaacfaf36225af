// The `params` parameter of /query: a JSON object with the values of $name placeholders.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "query/parser.h"

namespace varve::http {

// Parses `json`. A number with a '.' is a float, otherwise an integer; an object with one member
// says how its value is to be read ({"regex": "..."}). INVALID_ARGUMENT with the whole text the
// client is told.
absl::StatusOr<query::Parameters> ParseBoundParameters(std::string_view json);

}  // namespace varve::http
