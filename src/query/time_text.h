// Dates beyond the range of int64 nanoseconds, which only error messages need.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace varve::query {

std::optional<absl::Time> ParseAnyTime(std::string_view text, absl::TimeZone zone);
int64_t ToNsSaturated(absl::Time time);

}  // namespace varve::query
