// Buckets of InfluxDB 2 as databases and retention policies: "database/policy".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace varve::http {

struct Bucket {
  std::string database;
  std::string retention_policy;  // empty: the database's default
};

// Reads "database/policy" or "database". INVALID_ARGUMENT with InfluxDB's words when there is no
// database in it.
absl::StatusOr<Bucket> ParseBucket(std::string_view name);

}  // namespace varve::http
