// Remembers which passwords were right, so that only the first check pays for the slow hash.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/strings.h"

namespace varve::meta {

// Holds, for a slow hash, HMAC-SHA-256 of the password under a key that lives only in this object.
// An entry belongs to one slow hash, so a changed password finds nothing. Bounded: it is emptied
// when full. Thread safety: every method may be called from any thread.
class PasswordCache {
 public:
  PasswordCache();
  bool Contains(std::string_view slow_hash, std::string_view password) const
      ABSL_LOCKS_EXCLUDED(mu_);
  void Add(std::string_view slow_hash, std::string_view password) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::string Digest(std::string_view password) const;

  std::array<unsigned char, 32> key_;
  mutable absl::Mutex mu_;
  base::StringMap<std::string> digests_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::meta
