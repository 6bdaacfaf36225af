// The "normalize" rules of a step: what no run repeats, taken out of an answer.
#pragma once

#include <string_view>

#include "tests/conformance/json_value.h"

namespace varve::conformance {

// Applies one rule ("name" or "name:argument", README.md) to the JSON of an answer. False when
// there is no such rule.
bool Normalize(std::string_view rule, Json* body);

}  // namespace varve::conformance
