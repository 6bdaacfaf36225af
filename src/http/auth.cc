#include "http/auth.h"

#include <algorithm>

#include "base/status.h"
#include "http/form.h"

namespace varve::http {
namespace {

absl::Status Unauthenticated(std::string_view text) {
  return absl::UnauthenticatedError(base::ToAbsl(text));
}

struct Credentials {
  enum class Kind { kPassword, kBearer };
  Kind kind = Kind::kPassword;
  std::string user;
  std::string secret;  // the password or the token
};

bool SplitAtColon(std::string_view text, Credentials* credentials) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  credentials->user = text.substr(0, colon);
  credentials->secret = text.substr(colon + 1);
  return true;
}

absl::StatusOr<Credentials> FindCredentials(const Request& request) {
  Credentials found;
  const Form address = ParseUrlEncoded(request.query);
  if (!address.Get("u").empty() && !address.Get("p").empty()) {
    found.user = address.Get("u");
    found.secret = address.Get("p");
    return found;
  }
  const std::string_view header = request.Header("authorization");
  const size_t space = header.find(' ');
  const std::string_view scheme = header.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view{} : TrimSpace(header.substr(space));
  if (scheme == "Bearer" && !rest.empty()) {
    found.kind = Credentials::Kind::kBearer;
    found.secret = rest;
    return found;
  }
  if (scheme == "Token" && SplitAtColon(rest, &found)) return found;
  std::string decoded;
  if (EqualsIgnoreCase(scheme, "basic") && DecodeBase64(rest, false, &decoded) &&
      SplitAtColon(decoded, &found)) {
    return found;
  }
  return Unauthenticated("unable to parse authentication credentials");
}

bool Has(const Identity& who, std::string_view database, meta::Privilege privilege) {
  if (!who.required) return true;
  if (!who.principal) return false;
  if (who.principal->admin) return true;
  const auto found = who.principal->privileges.find(std::string(database));
  return found != who.principal->privileges.end() &&
         (found->second == privilege || found->second == meta::Privilege::kAll);
}

}  // namespace

bool MayRead(const Identity& who, std::string_view database) {
  return Has(who, database, meta::Privilege::kRead);
}
bool MayWrite(const Identity& who, std::string_view database) {
  return Has(who, database, meta::Privilege::kWrite);
}

bool DecodeBase64(std::string_view text, bool url, std::string* out) {
  out->clear();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      value = static_cast<uint32_t>(c - '0' + 52);
    } else if (c == (url ? '-' : '+')) {
      value = 62;
    } else if (c == (url ? '_' : '/')) {
      value = 63;
    } else {
      return false;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out->push_back(static_cast<char>(bits >> count));
      bits &= (1u << count) - 1;
    }
  }
  return true;
}

query::Principal PrincipalOf(const meta::User& user) {
  query::Principal principal;
  principal.user = user.name;
  principal.admin = user.admin;
  principal.privileges = user.privileges;
  return principal;
}

absl::StatusOr<Identity> Authenticate(const Request& request, const Services& services) {
  Identity identity;
  if (!services.options.auth_enabled) return identity;
  identity.required = true;
  const std::shared_ptr<const meta::CatalogData> catalog = services.catalog->Get();
  const bool has_admin = std::any_of(catalog->users.begin(), catalog->users.end(),
                                     [](const meta::User& user) { return user.admin; });
  if (!has_admin) return identity;

  ASSIGN_OR_RETURN(Credentials credentials, FindCredentials(request));
  if (credentials.kind == Credentials::Kind::kBearer) {
    if (services.options.shared_secret.empty()) return Unauthenticated("bearer auth disabled");
    ASSIGN_OR_RETURN(credentials.user,
                     CheckToken(credentials.secret, services.options.shared_secret,
                                services.env->NowNs() / 1'000'000'000));
    if (catalog->FindUser(credentials.user) == nullptr) return Unauthenticated("user not found");
  } else {
    if (credentials.user.empty()) return Unauthenticated("username required");
    if (!services.catalog->CheckPassword(credentials.user, credentials.secret)) {
      return Unauthenticated("authorization failed");
    }
  }
  const meta::User* user = catalog->FindUser(credentials.user);
  if (user == nullptr) return Unauthenticated("authorization failed");
  identity.principal = PrincipalOf(*user);
  return identity;
}

}  // namespace varve::http
