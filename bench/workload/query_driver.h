// Asks a server the queries of a workload over one connection, one after the other.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client.h"
#include "queries.h"

namespace varve::bench {

struct QueryOptions {
  Address address;
  std::string database = "bench";
  bool metricsql = false;      // ask VictoriaMetrics what can be asked there
  int pid = 0;                 // 0: CPU and memory are not measured
  double seconds = 1;          // at least, for each query
  uint64_t repetitions = 10;   // at least, for each query
  double seconds_max = 10;     // then a query is asked no more, however few repetitions it had
  std::string answers_folder;  // for the first answers, NAME.N.json; empty: they are not kept
};

// Prints a JSON object a line for each query, in order: latencies, CPU, the bytes of an answer and
// a digest of the first answers. Before the measured repetitions every variant is asked once.
absl::Status AskAll(const std::vector<Query>& queries, const Shape& shape,
                    const QueryOptions& options);

}  // namespace varve::bench
