// InfluxQL text to tree. A hand-written scanner and recursive descent, as InfluxDB's, so that every
// error has its words and position.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "query/ast.h"

namespace varve::query {

// The value of a $name placeholder, from the request's `params`.
struct ParameterValue {
  std::variant<bool, int64_t, double, std::string> value;
  // {"regex": "..."}, {"identifier": "..."}, {"duration": "..."}, ...: how a string is to be read;
  // empty: a string literal.
  std::string kind;
};
using Parameters = std::map<std::string, ParameterValue, std::less<>>;

// INVALID_ARGUMENT with InfluxDB's text, "found X, expected Y at line L, char C". Nesting is
// limited, so no text can exhaust the stack.
absl::StatusOr<std::vector<Statement>> ParseQuery(std::string_view text,
                                                  const Parameters& parameters);
absl::StatusOr<ExprPtr> ParseExpression(std::string_view text, const Parameters& parameters);

}  // namespace varve::query
