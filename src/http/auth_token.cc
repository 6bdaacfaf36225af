#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <simdjson.h>

#include "base/strings.h"
#include "http/auth.h"

namespace varve::http {
namespace {

namespace dom = simdjson::dom;

absl::Status Unauthenticated(std::string_view text) {
  return absl::UnauthenticatedError(base::ToAbsl(text));
}

const EVP_MD* DigestOf(std::string_view algorithm) {
  if (algorithm == "HS256") return EVP_sha256();
  if (algorithm == "HS384") return EVP_sha384();
  if (algorithm == "HS512") return EVP_sha512();
  return nullptr;
}

bool ParseObject(dom::parser& parser, const std::string& text, dom::object* object) {
  return parser.parse(text).get_object().get(*object) == simdjson::SUCCESS;
}

}  // namespace

absl::StatusOr<std::string> CheckToken(std::string_view token, std::string_view secret,
                                       int64_t now_s) {
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Unauthenticated("token contains an invalid number of segments");
  }
  std::string header;
  std::string claims;
  std::string signature;
  if (!DecodeBase64(token.substr(0, first), true, &header) ||
      !DecodeBase64(token.substr(first + 1, second - first - 1), true, &claims) ||
      !DecodeBase64(token.substr(second + 1), true, &signature)) {
    return Unauthenticated("illegal base64 data in token");
  }
  dom::parser header_parser;
  dom::parser claims_parser;
  dom::object header_object;
  dom::object object;
  std::string_view algorithm;
  if (!ParseObject(header_parser, header, &header_object) ||
      header_object["alg"].get_string().get(algorithm) != simdjson::SUCCESS ||
      !ParseObject(claims_parser, claims, &object)) {
    return Unauthenticated("token is malformed");
  }
  const EVP_MD* digest = DigestOf(algorithm);
  if (digest == nullptr) {
    return Unauthenticated(base::StrCat("unexpected signing method: ", algorithm));
  }
  unsigned char expected[EVP_MAX_MD_SIZE];
  unsigned expected_size = 0;
  const std::string_view signed_part = token.substr(0, second);
  HMAC(digest, secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(signed_part.data()), signed_part.size(), expected,
       &expected_size);
  if (signature.size() != expected_size ||
      CRYPTO_memcmp(signature.data(), expected, expected_size) != 0) {
    return Unauthenticated("signature is invalid");
  }
  double expires = 0;
  if (object["exp"].get_double().get(expires) != simdjson::SUCCESS) {
    return Unauthenticated("token expiration required");
  }
  if (static_cast<double>(now_s) > expires) return Unauthenticated("Token is expired");
  double not_before = 0;
  if (object["nbf"].get_double().get(not_before) == simdjson::SUCCESS &&
      static_cast<double>(now_s) < not_before) {
    return Unauthenticated("Token is not valid yet");
  }
  dom::element name;
  if (object["username"].get(name) != simdjson::SUCCESS) {
    return Unauthenticated("username in token must be a string");
  }
  std::string_view user;
  if (name.get_string().get(user) != simdjson::SUCCESS) {
    return Unauthenticated("username in token must be a string");
  }
  if (user.empty()) return Unauthenticated("token must contain a username");
  return std::string(user);
}

}  // namespace varve::http
