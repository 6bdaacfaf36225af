// Answers that every endpoint gives alike: headers, errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "http/encoder.h"
#include "http/message.h"
#include "http/services.h"

namespace varve::http {

// How this client wants its answers.
Format FormatOf(const Request& request);
bool WantsPretty(const Request& request);  // pretty=true in the address

// A response of `status` with the headers of a routed answer: versions, request ids, Content-Type
// by `format`, CORS, [http.headers].
Response MakeResponse(const Services& services, const Request& request, int status, Format format);

// The error form: the body by the Accept header and X-Influxdb-Error; on 401 WWW-Authenticate
// instead; on 429 and 503 Retry-After.
Response MakeError(const Services& services, const Request& request, int status,
                   std::string_view text);

// The router's own answers in plain text, with a newline added.
Response MakePlain(int status, std::string_view text);

// A version 1 UUID (RFC 4122) for the time `now_ns`; each call gives another one.
std::string NewRequestId(int64_t now_ns);

}  // namespace varve::http
