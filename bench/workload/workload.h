// The reference workloads: what they hold, and their line protocol made ahead of the load.
//
//   devops    The shape of the cpu-only use case of the Time Series Benchmark Suite (TSBS):
//             measurement cpu, 10 tags, 10 fields that walk between 0 and 100 by steps of N(0, 1);
//             every host writes a line every 10 seconds. 1,000 hosts of 4,320 rows, half a day.
//   iot       The sensors of buildings, once a minute for 30 days: temperature, humidity, power and
//             battery with two decimals, a status text, a counter and whether the room is occupied.
//             Sensors fall silent for hours, report every 10 seconds for a while, and part of the
//             lines arrive out of order or an hour late. 200 sensors of 43,200 minutes.
//   highcard  A million meters of 2 readings each, 60 seconds apart.
//   single    One field a line: 1,000 probes, a two-decimal value every 10 seconds, 10,000 rows.
//
// A seed always gives the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace varve::bench {

struct WorkloadOptions {
  std::string name = "devops";
  uint64_t series = 0;  // 0: as above
  uint64_t rows = 0;    // per series; 0: as above
  uint64_t lines_per_body = 5000;
  int64_t start_s = 1'451'606'400;  // 2016-01-01, as TSBS
  uint64_t seed = 1;
  bool two_decimals = false;  // devops: values such as 58.13 instead of the integers 58i
};

// What is known of a workload before a line of it is made.
struct Shape {
  std::string_view measurement;
  std::string_view field;  // one that every line has
  uint64_t series = 0;
  uint64_t rows = 0;
  int64_t step_s = 0;
  int64_t start_ns = 0;
  int64_t end_ns = 0;  // behind the last row
};

struct Workload {
  std::vector<std::string> bodies;  // times in nanoseconds
  uint64_t lines = 0;               // each of another series or time
  uint64_t values = 0;
};

inline constexpr std::string_view kWorkloads[] = {"devops", "iot", "highcard", "single"};

// Fills in what `options` leaves at 0. INVALID_ARGUMENT: there is no such workload.
absl::StatusOr<WorkloadOptions> WithDefaults(WorkloadOptions options);

// `options` as WithDefaults() returned them.
Shape ShapeOf(const WorkloadOptions& options);

// In order of time, all series of an instant together; iot: except for what arrives late.
Workload MakeWorkload(const WorkloadOptions& options);

}  // namespace varve::bench
