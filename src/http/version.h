// What Varve calls itself to clients, in one place.
#pragma once

#include <string_view>

namespace varve::http {

// The release of InfluxDB 1.x whose behaviour Varve has; clients choose features by it.
inline constexpr std::string_view kInfluxVersion = "1.12.0";
inline constexpr std::string_view kBuild = "OSS";
inline constexpr std::string_view kVarveVersion = "0.1.0";

}  // namespace varve::http
