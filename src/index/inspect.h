// For `varve inspect`: what the files of a series table or a shard's index hold, and whether every
// byte of them is right. Reads only.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"

namespace varve::index {

struct InspectOptions {
  bool series = false;  // every series key, and every tag value with the number of its series
};

// Describes the series table or shard index, or both, that `path` holds: a folder with their files,
// or one of them (series.list, index.list, series-*.seg, index-*.seg). NOT_FOUND: `path` is none.
absl::StatusOr<std::string> DescribeIndex(base::Env& env, const std::string& path,
                                          const InspectOptions& options = {});

// Checks checksums and structure, decodes every key, value and posting, and looks each key up.
// DATA_LOSS names the first file, and where, that is wrong.
absl::Status VerifyIndex(base::Env& env, const std::string& path);

}  // namespace varve::index
