// Who sends how many requests, counted while somebody asks (/debug/requests).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace varve::http {

// Thread safety: every method may be called from any thread.
class RequestTracker {
 public:
  struct Counts {
    uint64_t writes = 0;
    uint64_t queries = 0;
  };
  // By "user:address", or "address" of who has no name.
  using Profile = std::map<std::string, Counts>;
  static constexpr size_t kProfilesMax = 4;

  void CountWrite(std::string_view user, std::string_view address) {
    if (active_.load(std::memory_order_relaxed) > 0) Count(user, address, &Counts::writes);
  }
  void CountQuery(std::string_view user, std::string_view address) {
    if (active_.load(std::memory_order_relaxed) > 0) Count(user, address, &Counts::queries);
  }

  // Starts counting into `profile`, which must live until Stop(); false when kProfilesMax others
  // count.
  bool Start(Profile* profile) ABSL_LOCKS_EXCLUDED(mu_);
  void Stop(Profile* profile) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Count(std::string_view user, std::string_view address, uint64_t Counts::*which)
      ABSL_LOCKS_EXCLUDED(mu_);

  std::atomic<size_t> active_{0};
  absl::Mutex mu_;
  std::vector<Profile*> profiles_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::http
