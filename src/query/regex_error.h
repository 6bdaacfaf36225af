// Regular expressions of queries, refused with the words of Go's regexp package.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/predicate.h"

namespace varve::query {

// INVALID_ARGUMENT: "error parsing regexp: missing closing ): `a(`", ...
absl::StatusOr<std::shared_ptr<const index::TagRegex>> CompileRegex(std::string_view pattern);

}  // namespace varve::query
