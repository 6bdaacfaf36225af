#include "engine/disk_space.h"

#include "base/status.h"

namespace varve::engine {
namespace {
// What is written in this time must be far less than the reserve.
constexpr int64_t kCheckEveryNs = 20'000'000;
}  // namespace

absl::Status DiskSpace::Check(uint64_t bytes, uint64_t reserve) const {
  for (const std::string& folder : folders_) {
    const auto free = env_.FreeBytes(folder);
    if (free.ok() && *free < bytes + reserve) {
      return base::ResourceExhausted("no space left on device: ", *free, " bytes free in ", folder,
                                     ", ", bytes + reserve, " needed");
    }
  }
  return absl::OkStatus();
}

absl::Status DiskSpace::CheckFor(uint64_t bytes) const { return Check(bytes, kReserveBytes / 2); }

absl::Status DiskSpace::CheckForWrite() {
  const int64_t now = env_.MonotonicNs();
  int64_t last = checked_ns_.load(std::memory_order_relaxed);
  const bool due = last == 0 || now - last >= kCheckEveryNs;
  if (due && checked_ns_.compare_exchange_strong(last, now == 0 ? 1 : now)) {
    low_ = !Check(0, kReserveBytes).ok();
  }
  if (!low_.load(std::memory_order_relaxed)) return absl::OkStatus();
  return base::Unavailable("no space left on device: writes are refused until some is freed");
}

}  // namespace varve::engine
