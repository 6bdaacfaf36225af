// InfluxQL text to tree. A hand-written scanner and recursive descent, as InfluxDB's, so that every
// error has its words and position.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "query/ast.h"

namespace varve::query {

// The value of a $name placeholder, from the request's `params`.
struct ParameterValue {
  // A list, of values of no kind that are no lists, stands behind IN only.
  std::variant<bool, int64_t, double, std::string, std::vector<ParameterValue>> value;
  // How `value` is to be read: "identifier", "regex", "duration" (of a string, or of an integer of
  // nanoseconds); empty: as the literal it is.
  std::string kind;
};
using Parameters = std::map<std::string, ParameterValue, std::less<>>;

// INVALID_ARGUMENT with InfluxDB's text, "found X, expected Y at line L, char C". Nesting is
// limited, so no text can exhaust the stack, here or where the tree is walked.
absl::StatusOr<std::vector<Statement>> ParseQuery(std::string_view text,
                                                  const Parameters& parameters);
absl::StatusOr<ExprPtr> ParseExpression(std::string_view text, const Parameters& parameters);

// "1h30m", "-5m", "INF" is none. INVALID_ARGUMENT: "invalid duration", or that it overflows.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

// "1mo", "3q", "2y" in months; nullopt when `text` is none of these.
std::optional<int64_t> ParseCalendarLength(std::string_view text);

// How deep parentheses, calls and subqueries may be nested in a text, and how deep an expression
// may be, where a run of arithmetic counts a level for each operator.
inline constexpr int kMaxNesting = 100;
inline constexpr int kMaxExpressionDepth = 1000;

}  // namespace varve::query
