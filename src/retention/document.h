// A small file that is written whole: a header with a magic, a version and a checksum, then a body.
// Bytes: docs/format.md, "Retention's files".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"

namespace varve::retention {

// `magic` has four bytes.
std::string WrapDocument(std::string_view magic, std::string_view body);

// The body; borrows `bytes`. FAILED_PRECONDITION: written by a newer version. DATA_LOSS: magic or
// checksum are wrong.
absl::StatusOr<std::string_view> UnwrapDocument(std::string_view magic, std::string_view bytes);

// Reads a document that may be absent (an empty body, then).
absl::StatusOr<std::string> LoadDocument(base::Env& env, const std::string& path,
                                         std::string_view magic);

}  // namespace varve::retention
