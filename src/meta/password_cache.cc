#include "meta/password_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace varve::meta {
namespace {

constexpr size_t kMaxEntries = 4096;

}  // namespace

PasswordCache::PasswordCache() {
  CHECK_EQ(RAND_bytes(key_.data(), key_.size()), 1) << "no random bytes";
}

std::string PasswordCache::Digest(std::string_view password) const {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), key_.size(),
       reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest, &size);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

bool PasswordCache::Contains(std::string_view slow_hash, std::string_view password) const {
  const std::string digest = Digest(password);
  absl::MutexLock lock(&mu_);
  const auto it = digests_.find(slow_hash);
  return it != digests_.end() && it->second.size() == digest.size() &&
         CRYPTO_memcmp(it->second.data(), digest.data(), digest.size()) == 0;
}

void PasswordCache::Add(std::string_view slow_hash, std::string_view password) {
  std::string digest = Digest(password);
  absl::MutexLock lock(&mu_);
  if (digests_.size() >= kMaxEntries) digests_.clear();
  digests_.insert_or_assign(std::string(slow_hash), std::move(digest));
}

}  // namespace varve::meta
