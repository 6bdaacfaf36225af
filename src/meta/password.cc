#include "meta/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

#include "base/check.h"
#include "base/strings.h"

namespace varve::meta {
namespace {

// RFC 7914 section 2: N = 2^14, r = 8, p = 1 take 16 MiB and about 40 ms.
constexpr int kLog2N = 14;
constexpr uint64_t kBlockSize = 8;
constexpr uint64_t kParallel = 1;
constexpr uint64_t kMaxMemoryBytes = uint64_t{64} << 20;
constexpr std::string_view kPrefix = "scrypt$14$8$1$";

using Salt = std::array<unsigned char, 16>;
using Key = std::array<unsigned char, 32>;

Key Derive(std::string_view password, const Salt& salt) {
  Key key;
  const int ok = EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(),
                                uint64_t{1} << kLog2N, kBlockSize, kParallel, kMaxMemoryBytes,
                                key.data(), key.size());
  CHECK_EQ(ok, 1) << "scrypt";
  return key;
}

void AppendHex(std::string& out, std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const unsigned char byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

bool ParseHex(std::string_view text, std::span<unsigned char> out) {
  if (text.size() != 2 * out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    const char* at = text.data() + 2 * i;
    const auto result = std::from_chars(at, at + 2, out[i], 16);
    if (result.ec != std::errc() || result.ptr != at + 2) return false;
  }
  return true;
}

}  // namespace

std::string HashPassword(std::string_view password) {
  Salt salt;
  CHECK_EQ(RAND_bytes(salt.data(), salt.size()), 1) << "no random bytes";
  const Key key = Derive(password, salt);
  std::string hash(kPrefix);
  AppendHex(hash, salt);
  hash.push_back('$');
  AppendHex(hash, key);
  return hash;
}

bool PasswordMatches(std::string_view password, std::string_view hash) {
  if (!hash.starts_with(kPrefix)) return false;
  hash.remove_prefix(kPrefix.size());
  Salt salt;
  Key key;
  const size_t dollar = hash.find('$');
  if (dollar == std::string_view::npos || !ParseHex(hash.substr(0, dollar), salt) ||
      !ParseHex(hash.substr(dollar + 1), key)) {
    return false;
  }
  const Key derived = Derive(password, salt);
  return CRYPTO_memcmp(derived.data(), key.data(), key.size()) == 0;
}

}  // namespace varve::meta
