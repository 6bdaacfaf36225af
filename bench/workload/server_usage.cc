#include "server_usage.h"

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include "base/status.h"

namespace varve::bench {

absl::StatusOr<ServerUsage> ReadUsage(int pid) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
    return base::NotFound("no process ", pid);
  }
  ServerUsage usage;
  usage.cpu_seconds = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
  std::ifstream status(base::StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) usage.peak_memory_bytes = std::stoull(line.substr(6)) * 1024;
  }
  return usage;
}

absl::Status ResetPeakMemory(int pid) {
  std::ofstream clear(base::StrCat("/proc/", pid, "/clear_refs"));
  clear << "5" << std::flush;
  if (!clear) return base::PermissionDenied("cannot reset the peak memory of process ", pid);
  return absl::OkStatus();
}

absl::StatusOr<ServerUsage> WaitUntilIdle(int pid, int quiet_s, double limit_s) {
  ASSIGN_OR_RETURN(ServerUsage before, ReadUsage(pid));
  int quiet_seconds = 0;
  for (double waited = 0; waited < limit_s && quiet_seconds < quiet_s; waited += 1) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    ASSIGN_OR_RETURN(const ServerUsage now, ReadUsage(pid));
    quiet_seconds = now.cpu_seconds - before.cpu_seconds < 0.02 ? quiet_seconds + 1 : 0;
    before = now;
  }
  return before;
}

}  // namespace varve::bench
