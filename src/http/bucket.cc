#include "http/bucket.h"

#include "base/status.h"

namespace varve::http {

absl::StatusOr<Bucket> ParseBucket(std::string_view name) {
  const size_t slash = name.find('/');
  if (name.empty()) {
    return base::InvalidArgument(
        "bucket name \"", name,
        "\" is missing a slash; not in \"database/retention-policy\" format");
  }
  if (slash == 0) {
    return base::InvalidArgument("bucket name \"", name,
                                 "\" is in db/rp form but has an empty database");
  }
  Bucket bucket;
  bucket.database = name.substr(0, slash);
  if (slash != std::string_view::npos) bucket.retention_policy = name.substr(slash + 1);
  return bucket;
}

}  // namespace varve::http
