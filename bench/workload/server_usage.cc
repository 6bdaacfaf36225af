#include "server_usage.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/status.h"

namespace varve::bench {

absl::StatusOr<ServerUsage> ReadUsage(int pid) {
  const std::string folder = base::StrCat("/proc/", pid);
  std::ifstream stat(folder + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return base::NotFound("no process ", pid);
  // Fields 14 and 15, counted from 1, are user and system ticks; the name in field 2 may hold
  // spaces but ends with the last parenthesis.
  std::istringstream rest(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  ServerUsage usage;
  usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status(folder + "/status");
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) usage.peak_memory_bytes = std::stoull(line.substr(6)) * 1024;
  }
  return usage;
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
