#include "http/process_status.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace varve::http {
namespace {

uint64_t Nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1'000;
}

uint64_t CountOpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator at("/proc/self/fd", error);
  uint64_t count = 0;
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) ++count;
  return count == 0 ? 0 : count - 1;  // without the one that reads the folder
}

}  // namespace

ProcessStatus ReadProcessStatus() {
  ProcessStatus status;
  std::ifstream file("/proc/self/status");
  std::string key;
  while (file >> key) {
    uint64_t* const target = key == "VmRSS:"     ? &status.resident_bytes
                             : key == "RssAnon:" ? &status.anonymous_bytes
                             : key == "Threads:" ? &status.threads
                                                 : nullptr;
    if (target != nullptr) file >> *target;
    if (key != "Threads:" && target != nullptr) *target *= 1024;  // of kB
    std::string rest;
    std::getline(file, rest);
  }
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    status.cpu_ns = Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) status.open_files_max = limit.rlim_cur;
  status.open_files = CountOpenFiles();
  return status;
}

}  // namespace varve::http
