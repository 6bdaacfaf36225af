// The queries of the reference workloads.
//
// A query is data, so that it can be written in InfluxQL and, where there is an equivalent, in
// MetricsQL, and so that bench/check_answers.py can answer it with a plain loop over the lines.
// devops: those of TSBS for its cpu-only use case, under its names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload.h"

namespace varve::bench {

struct Call {
  std::string function;  // mean, max, last, ...; empty: the field as it is
  std::string field;     // or *
  int64_t argument = 0;  // of percentile and top
};

struct Select {
  std::string measurement;
  std::vector<Call> calls;
  std::string tag;  // a condition on this tag, if not empty
  std::vector<std::string> tag_values;
  std::string tag_pattern;  // a regular expression in place of the values
  std::string above_field;  // a condition `above_field > above`, if not empty
  int64_t above = 0;
  int64_t from_ns = 0;   // 0: not limited
  int64_t until_ns = 0;  // exclusive; 0: the times are not limited
  int64_t window_s = 0;  // GROUP BY time(); 0: none
  std::vector<std::string> group_by;
  bool single_series_groups = false;  // each group is one series
  bool newest_first = false;
  uint64_t limit = 0;
};

struct Query {
  std::string name;
  // The same question about other hosts and times, asked in turn.
  std::vector<Select> selects;
  std::string statement;  // in place of the selects: a SHOW
  bool estimate = false;  // the answer of InfluxDB is one
};

// All queries of the workload; a seed always gives the same.
std::vector<Query> QueriesOf(const WorkloadOptions& options);

std::string InfluxQl(const Select& select);

// The target of a request to VictoriaMetrics with the same question; empty: it cannot be asked.
std::string MetricsQlTarget(const Select& select, const Shape& shape);

// A JSON object of the query with all that is above, for bench/check_answers.py.
std::string DescribeAsJson(const Query& query, const Shape& shape);

// `text` for the value of a parameter in a URL.
std::string UrlEncode(std::string_view text);

}  // namespace varve::bench
