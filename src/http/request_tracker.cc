#include "http/request_tracker.h"

#include <algorithm>

#include "base/strings.h"

namespace varve::http {

bool RequestTracker::Start(Profile* profile) {
  absl::MutexLock lock(&mu_);
  if (profiles_.size() == kProfilesMax) return false;
  profiles_.push_back(profile);
  active_.store(profiles_.size(), std::memory_order_relaxed);
  return true;
}

void RequestTracker::Stop(Profile* profile) {
  absl::MutexLock lock(&mu_);
  profiles_.erase(std::remove(profiles_.begin(), profiles_.end(), profile), profiles_.end());
  active_.store(profiles_.size(), std::memory_order_relaxed);
}

void RequestTracker::Count(std::string_view user, std::string_view address,
                           uint64_t Counts::*which) {
  const std::string key = base::StrCat(user, user.empty() ? "" : ":", address);
  absl::MutexLock lock(&mu_);
  for (Profile* profile : profiles_) ++((*profile)[key].*which);
}

}  // namespace varve::http
