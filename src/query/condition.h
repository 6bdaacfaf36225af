// WHERE clauses taken apart: the range of time they ask for, and what is left.
//
// Does what InfluxDB 1.x does before it runs a statement (influxql.ConditionExpr and Reduce): folds
// constants with Go's arithmetic, evaluates now() and dates, and collects comparisons of `time`
// into one range. Comparisons of time joined by OR narrow the range just as those joined by AND do;
// `time BETWEEN`, which InfluxDB does not have, is how to ask for several.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/predicate.h"
#include "model/types.h"
#include "query/ast.h"
#include "query/time_ranges.h"

namespace varve::query {

// Finds an IANA time zone as tz() does; "" and "UTC" are UTC. INVALID_ARGUMENT with InfluxDB's
// words: "unable to find time zone <name>".
absl::StatusOr<absl::TimeZone> LoadTimeZone(std::string_view name);

// What now() and date strings mean.
struct TimeContext {
  int64_t now_ns = 0;
  absl::TimeZone zone = absl::UTCTimeZone();  // of date strings without an offset
};

// Reads a date as InfluxQL does: "2006-01-02", "2006-01-02 15:04:05.999999999" and RFC 3339, the
// last with its own offset. Nullopt when `text` is none of them.
std::optional<int64_t> ParseTimeString(std::string_view text, absl::TimeZone zone);
// True when `text` has the outer form of a date ("2006-01-02..."), whether or not it is one.
bool LooksLikeTime(std::string_view text);

// Folds constants and drops parentheses that have become needless, with Go's arithmetic: integer
// division gives a float, division by zero gives 0, integers wrap around, durations and times add
// and subtract. With `context`, now() becomes a TimeLiteral and a date string beside a time becomes
// one too. What cannot be folded (1 + 'a') stays as it is. Null for null.
ExprPtr Reduce(const ExprPtr& expr, const TimeContext* context);

// Bounds as written; both ends are included. Absent: not bounded on that side.
struct TimeBounds {
  std::optional<int64_t> min_ns;
  std::optional<int64_t> max_ns;

  // The bounds within model's range of times.
  model::TimeRange range() const;
  // Keeps what both hold for.
  void Intersect(const TimeBounds& other);
};

struct SplitCondition {
  // Reduced, without the comparisons of time that the bounds and ranges tell of; null: every row
  // holds. Where a time stands beside an OR with other conditions only the rows can tell:
  // then RowTime() is compared with integers in it.
  ExprPtr condition;
  TimeBounds bounds;
  // The ranges that `time BETWEEN` asks for, within the bounds, which are their hull; absent
  // without BETWEEN.
  std::optional<TimeRanges> ranges;

  TimeRanges Times() const { return ranges.has_value() ? *ranges : RangesOf(bounds.range()); }
};
// The time of a row, in nanoseconds, as a column.
ExprPtr RowTime();
// Splits `condition` (null is allowed). `time BETWEEN a AND b` means what it says, joined by AND
// and OR in whatever way; other comparisons of time narrow the bounds as InfluxDB's do. BETWEEN of
// anything else becomes two comparisons. INVALID_ARGUMENT with InfluxDB's words ("invalid
// operation: time and ... are not compatible", "invalid operator for time comparison: =~", ...).
absl::StatusOr<SplitCondition> SplitTime(const ExprPtr& condition, const TimeContext& context);

// True when `expr` has a `time BETWEEN`, at the top or below AND, OR and parentheses.
bool HasTimeBetween(const Expr& expr);
// True when a condition SplitTime() gave compares RowTime().
bool HasRowTime(const Expr& expr);

// What the measurement that a predicate is built for looks like.
struct MeasurementShape {
  std::string_view name;                                // what _name compares with
  std::function<bool(std::string_view name)> is_field;  // null: nothing is a field
  // The values of a tag, for comparisons of two tags (a = b); null: those are left to the rows.
  std::function<std::vector<std::string>(std::string_view tag)> tag_values;
};
struct TagCondition {
  // Holds for every series that may have rows for which the condition holds.
  index::TagPredicate predicate;
  // False: rows of those series must still be tested against the condition, since it compares
  // fields or does what series cannot tell.
  bool exact = true;
};
// `condition` as SplitTime gave it, null for none. A name is a tag unless it is a field or says so
// (::field, ::tag). As in InfluxDB a tag compared with a string by an order (<, >) holds for no
// series; compared with a number or a boolean it is left to the rows, where it holds for none.
TagCondition BuildTagPredicate(const ExprPtr& condition, const MeasurementShape& shape);

// True when `condition` (null: false) has a regular expression, or compares two names: then the
// predicate that is built of it may have to look at every value of a tag.
bool LooksAtTagValues(const ExprPtr& condition);

// `condition` as InfluxDB's index takes it: arithmetic where a comparison belongs (`WHERE v - 2`)
// holds for every series, so that it is as good as not there; but that of a tag and a string or
// another tag holds for none. Null for null.
ExprPtr SettleArithmetic(const ExprPtr& condition, const MeasurementShape& shape);

}  // namespace varve::query
