// The devops workload: the shape of the cpu-only use case of the Time Series Benchmark Suite
// (TSBS).
//
// Every `interval_s` seconds each host reports one line of measurement cpu with 10 tags and 10
// fields that walk between 0 and 100 by steps of N(0, 1). A seed always gives the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace varve::bench {

struct DevopsOptions {
  uint64_t hosts = 1000;
  uint64_t rows_per_host = 1000;
  uint64_t lines_per_body = 5000;
  int64_t start_s = 1'451'606'400;  // 2016-01-01, as TSBS
  int64_t interval_s = 10;
  uint64_t seed = 1;
  bool two_decimals = false;  // values such as 58.13 instead of the integers 58i
};

inline constexpr uint64_t kDevopsFields = 10;

// Line-protocol bodies in order of time, all hosts of an instant together; times in nanoseconds.
std::vector<std::string> MakeDevopsBodies(const DevopsOptions& options);

}  // namespace varve::bench
