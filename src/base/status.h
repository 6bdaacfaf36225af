// Makers of absl::Status, and the two macros that pass one on.
//
// Codes and what they mean here: docs/architecture.md, "Errors". The message of an error that an
// InfluxDB client sees is InfluxDB's text, word for word.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/strings.h"

namespace varve::base {

inline std::string_view MessageOf(const absl::Status& status) { return FromAbsl(status.message()); }

// Returns a status of `code` whose message is the pieces joined.
template <typename... Pieces>
absl::Status MakeStatus(absl::StatusCode code, const Pieces&... pieces) {
  return absl::Status(code, StrCat(pieces...));
}

#define VARVE_STATUS_MAKER(Name, Code)                    \
  template <typename... Pieces>                           \
  absl::Status Name(const Pieces&... pieces) {            \
    return MakeStatus(absl::StatusCode::Code, pieces...); \
  }
VARVE_STATUS_MAKER(InvalidArgument, kInvalidArgument)
VARVE_STATUS_MAKER(NotFound, kNotFound)
VARVE_STATUS_MAKER(AlreadyExists, kAlreadyExists)
VARVE_STATUS_MAKER(ResourceExhausted, kResourceExhausted)
VARVE_STATUS_MAKER(Unavailable, kUnavailable)
VARVE_STATUS_MAKER(DeadlineExceeded, kDeadlineExceeded)
VARVE_STATUS_MAKER(Cancelled, kCancelled)
VARVE_STATUS_MAKER(FailedPrecondition, kFailedPrecondition)
VARVE_STATUS_MAKER(DataLoss, kDataLoss)
VARVE_STATUS_MAKER(PermissionDenied, kPermissionDenied)
VARVE_STATUS_MAKER(Unimplemented, kUnimplemented)
VARVE_STATUS_MAKER(Internal, kInternal)
#undef VARVE_STATUS_MAKER

// Returns `status` with " [" + pieces + "]" added to its message; OK stays OK.
template <typename... Pieces>
absl::Status Annotate(const absl::Status& status, const Pieces&... pieces) {
  if (status.ok()) return status;
  return absl::Status(status.code(), StrCat(MessageOf(status), " [", pieces..., "]"));
}
inline absl::Status Annotate(absl::Status status) { return status; }

}  // namespace varve::base

#define VARVE_CONCAT_INNER(a, b) a##b
#define VARVE_CONCAT(a, b) VARVE_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expression, pieces...): leaves the function with the error, the pieces added as
// what only this level knows.
#define RETURN_IF_ERROR(expression, ...)                                                  \
  do {                                                                                    \
    if (absl::Status varve_status = (expression); !varve_status.ok()) {                   \
      return ::varve::base::Annotate(std::move(varve_status) __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                                     \
  } while (false)

// ASSIGN_OR_RETURN(lhs, StatusOr expression, pieces...)
#define ASSIGN_OR_RETURN(lhs, expression, ...) \
  VARVE_ASSIGN_OR_RETURN(VARVE_CONCAT(varve_statusor_, __LINE__), lhs, expression, __VA_ARGS__)
#define VARVE_ASSIGN_OR_RETURN(holder, lhs, expression, ...)                               \
  auto holder = (expression);                                                              \
  if (!holder.ok()) {                                                                      \
    return ::varve::base::Annotate(std::move(holder).status() __VA_OPT__(, ) __VA_ARGS__); \
  }                                                                                        \
  lhs = std::move(holder).value()
