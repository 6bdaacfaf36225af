// Who asks: credentials of a request, checked against the catalog.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "http/message.h"
#include "http/services.h"
#include "query/executor.h"

namespace varve::http {

// What authentication found out.
struct Identity {
  // False: authentication is off; everything is allowed.
  bool required = false;
  // Absent although required: there is no admin user yet, and only making one is allowed.
  std::optional<query::Principal> principal;
};

// Whether the caller has the privilege; false for nobody when somebody is required.
bool MayRead(const Identity& who, std::string_view database);
bool MayWrite(const Identity& who, std::string_view database);

// The name of the caller, or "".
inline std::string_view NameOf(const Identity& who) {
  return who.principal ? std::string_view(who.principal->user) : std::string_view();
}

// Finds the first form of credentials in the order of InfluxDB: `u` and `p` of the address, Bearer,
// Token, Basic. UNAUTHENTICATED with InfluxDB's words. May take some milliseconds when a password
// is seen for the first time: not for network threads unless authentication is off.
absl::StatusOr<Identity> Authenticate(const Request& request, const Services& services);

// The principal of a user of the catalog.
query::Principal PrincipalOf(const meta::User& user);

// Checks a JSON Web Token (RFC 7519) signed with HS256, HS384 or HS512 and returns the user name in
// its claim "username". `now_s` is seconds since 1970. UNAUTHENTICATED with InfluxDB's words.
absl::StatusOr<std::string> CheckToken(std::string_view token, std::string_view secret,
                                       int64_t now_s);

// Decodes base64 (RFC 4648), with `url` its URL-safe alphabet; padding may be missing. False on a
// character or length that is none.
bool DecodeBase64(std::string_view text, bool url, std::string* out);

}  // namespace varve::http
