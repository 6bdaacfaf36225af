// What all requests that write have in common: where to, who may, and how failures are answered.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "http/auth.h"
#include "http/message.h"
#include "http/services.h"

namespace varve::http {

struct WriteTarget {
  std::string database;
  std::string retention_policy;  // empty: the default
  std::string consistency;       // checked only: there is one node
};

struct Refusal {
  int status = 0;  // 0: nothing is wrong
  std::string text;
};

// Checks what can be checked before the body is looked at, in InfluxDB's order.
Refusal CheckWrite(const Services& services, const WriteTarget& target, const Identity& who,
                   const Request& request);

// The HTTP status of a write that the store answered with `status`.
int WriteStatus(const absl::Status& status);

// How long a packed body may be when unpacked; `max_body_bytes` 0: no limit.
uint64_t UnpackedBytesMax(uint64_t max_body_bytes);
// What is said of a body that could not be unpacked: 413 when it is too large, else 400.
Refusal UnpackRefusal(const absl::Status& status);

}  // namespace varve::http
