// Windows of GROUP BY time(interval, offset) in a time zone.
//
// Source: InfluxDB 1.x "query/iterator.go", IteratorOptions.Window, as of 1.8.5. Windows of the
// calendar (months, weeks of weekdays) InfluxDB does not have: each begins at the first instant of
// a day of the zone, moved by the offset, so that a change of the clocks makes one longer or
// shorter and no time is in two or in none.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "model/types.h"
#include "query/compile.h"

namespace varve::query {

// Start included, end excluded.
struct Window {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

class Windows {
 public:
  // `range`: of the statement; it is the one window when `interval` is zero.
  Windows(Interval interval, model::TimeRange range, bool has_zone, absl::TimeZone zone)
      : interval_(interval), range_(range), has_zone_(has_zone), zone_(zone) {}

  // The window `t` lies in. An open side is model::kMinTimeNs or beyond kMaxTimeNs.
  Window At(int64_t t) const;
  // The start of the window behind (or, descending, before) the one that starts at `start_ns`, as
  // fill() steps through them.
  int64_t Next(int64_t start_ns, bool ascending) const;
  // `t` moved by the length of `count` windows, towards older times when `count` is negative; the
  // ends of time hold. With windows of the calendar the result is a start: that of the window so
  // many before the one `t` lies in, or the last instant of the one so many behind it.
  int64_t Move(int64_t t, int64_t count) const;
  // How many windows have something of `range`, which is bounded; for windows that differ in length
  // by the clocks only, about how many.
  uint64_t CountWithin(const model::TimeRange& range) const;

  const Interval& interval() const { return interval_; }
  const model::TimeRange& range() const { return range_; }

 private:
  int64_t ZoneOffset(int64_t t) const;  // nanoseconds east of UTC
  // Windows of the calendar are numbered; number 0 begins with the origin.
  int64_t CalendarStart(int64_t number) const;
  int64_t CalendarNumber(int64_t t) const;

  Interval interval_;
  model::TimeRange range_;
  bool has_zone_;
  absl::TimeZone zone_;
};

}  // namespace varve::query
