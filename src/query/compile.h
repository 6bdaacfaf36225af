// The checks a SELECT passes before any data is looked at, and what is learnt on the way.
//
// Source: InfluxDB 1.x "query/compile.go": the order of the checks and their texts are its.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/types.h"
#include "query/ast.h"
#include "query/time_ranges.h"

namespace varve::query {

// GROUP BY time(duration, offset). No grouping by time: duration_ns is 0.
struct Interval {
  // Of windows of the calendar only what they measure on average.
  int64_t duration_ns = 0;
  int64_t offset_ns = 0;
  // time(1mo), time(1w, monday): windows of so many months or days of the calendar, one of which
  // begins with month or day `origin`, counted from January 1970 or its first day.
  int64_t months = 0;
  int64_t days = 0;
  int64_t origin = 0;

  bool zero() const { return duration_ns == 0; }
  bool calendar() const { return months > 0 || days > 0; }
};

// A SELECT that means something. Times, fill and order are settled; names are not yet looked up.
struct CompiledSelect {
  // The statement with expressions reduced, `time` taken out of the fields, DISTINCT made a call,
  // and `condition` without comparisons of time. Subqueries: see below, not in its sources. A
  // JOIN is one of subqueries only (join.h).
  SelectStatement statement;
  std::vector<std::shared_ptr<CompiledSelect>> subqueries;  // one per source, null: a measurement
  std::vector<std::shared_ptr<CompiledSelect>> joined;      // the sides, where the source is a JOIN
  model::TimeRange range;
  TimeRanges ranges;  // where the condition asks for several; `range` is their hull. Else empty
  Interval interval;
  bool interval_inherited = false;
  bool ascending = true;
  FillOption fill = FillOption::kNull;
  absl::TimeZone zone = absl::UTCTimeZone();
  bool has_zone = false;  // tz() was given
  std::string time_name = "time";
  bool has_calls = false;
  // Transformations of windows read so many windows more, on the side the answer begins.
  int64_t windows_before = 0;
  // LOOKBACK: so much more is read on that side, by what can use it.
  int64_t lookback_ns = 0;

  // Leaves of the times only those of `outer`.
  void RestrictTo(const CompiledSelect& outer);
};

// INVALID_ARGUMENT with InfluxDB's text. `now_ns` is the value of now().
absl::StatusOr<std::shared_ptr<CompiledSelect>> CompileSelect(const SelectStatement& statement,
                                                              int64_t now_ns);

// "*influxql.IntegerLiteral": how InfluxDB's messages name the kind of an expression.
std::string_view GoTypeName(const Expr& expr);
// Numbers, texts, durations, times, booleans, regular expressions, lists, nil.
bool IsLiteral(const Expr& expr);

}  // namespace varve::query
