#include "query/window.h"

#include <algorithm>
#include <cstdlib>

#include "query/time_text.h"

namespace varve::query {
namespace {

// Wrapping sums: times at the very ends of the range must not be undefined behaviour.
int64_t Add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t Sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int64_t MoveSaturated(int64_t t, int64_t by) {
  int64_t moved = 0;
  if (__builtin_add_overflow(t, by, &moved)) return by < 0 ? model::kMinTimeNs : model::kMaxTimeNs;
  return std::clamp(moved, model::kMinTimeNs, model::kMaxTimeNs);
}

}  // namespace

int64_t Windows::CalendarStart(int64_t number) const {
  const absl::CivilDay day =
      interval_.months > 0
          ? absl::CivilDay(absl::CivilMonth(1970, 1) +
                           (interval_.origin + number * interval_.months))
          : absl::CivilDay(1970, 1, 1) + (interval_.origin + number * interval_.days);
  // A midnight that the clocks skip is when they skip it, one that comes twice is the first.
  const absl::TimeZone::TimeInfo info = zone_.At(absl::CivilSecond(day));
  const bool skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
  // Moved before it is cut to the range of times, so that starts go on ascending at its ends.
  const int64_t start =
      ToNsSaturated((skipped ? info.trans : info.pre) + absl::Nanoseconds(interval_.offset_ns));
  return start >= model::kMaxTimeNs ? INT64_MAX : start;
}

int64_t Windows::CalendarNumber(int64_t t) const {
  t = std::min(t, model::kMaxTimeNs);
  const absl::CivilSecond local =
      zone_.At(absl::FromUnixNanos(MoveSaturated(t, -interval_.offset_ns))).cs;
  int64_t number = 0;
  if (interval_.months > 0) {
    const int64_t month = absl::CivilMonth(local) - absl::CivilMonth(1970, 1);
    number = FloorDivide(month - interval_.origin, interval_.months);
  } else {
    const int64_t day = absl::CivilDay(local) - absl::CivilDay(1970, 1, 1);
    number = FloorDivide(day - interval_.origin, interval_.days);
  }
  // Clocks set back over midnight show yesterday again.
  while (CalendarStart(number) > t) --number;
  while (CalendarStart(number + 1) <= t) ++number;
  return number;
}

int64_t Windows::Move(int64_t t, int64_t count) const {
  if (!interval_.calendar()) {
    int64_t length = 0;
    if (__builtin_mul_overflow(interval_.duration_ns, count, &length)) {
      return count < 0 ? model::kMinTimeNs : model::kMaxTimeNs;
    }
    return MoveSaturated(t, length);
  }
  const int64_t number = CalendarNumber(t);
  return count < 0 ? CalendarStart(number + count)
                   : MoveSaturated(CalendarStart(number + count + 1), -1);
}

uint64_t Windows::CountWithin(const model::TimeRange& range) const {
  if (interval_.zero()) return 1;
  if (interval_.calendar()) {
    return static_cast<uint64_t>(CalendarNumber(range.max_ns) - CalendarNumber(range.min_ns) + 1);
  }
  const int64_t first = At(range.min_ns).start_ns;
  const int64_t last = At(range.max_ns).start_ns;
  if (last < first) return 0;
  const uint64_t length = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  return length / static_cast<uint64_t>(interval_.duration_ns) + 1;
}

int64_t Windows::ZoneOffset(int64_t t) const {
  return static_cast<int64_t>(zone_.At(absl::FromUnixNanos(t)).offset) * 1'000'000'000;
}

Window Windows::At(int64_t t) const {
  if (interval_.zero()) {
    const bool open = range_.max_ns >= model::kMaxTimeNs;
    return {range_.min_ns, open ? INT64_MAX : range_.max_ns + 1};
  }
  if (interval_.calendar()) {
    const int64_t number = CalendarNumber(t);
    return {CalendarStart(number), CalendarStart(number + 1)};
  }
  const int64_t length = interval_.duration_ns;
  t = Sub(t, interval_.offset_ns);
  const int64_t zone = has_zone_ ? ZoneOffset(t) : 0;
  int64_t dt = Add(t, zone) % length;
  if (dt < 0) dt += length;

  Window window;
  window.start_ns = Add(model::kMinTimeNs, dt) >= t && t < 0 ? model::kMinTimeNs : Sub(t, dt);
  if (window.start_ns != model::kMinTimeNs) {
    window.start_ns = Add(window.start_ns, interval_.offset_ns);
    if (has_zone_) {
      const int64_t shift = zone - ZoneOffset(window.start_ns);
      if (shift != 0 && std::abs(shift) < length) window.start_ns += shift;
    }
  }
  const int64_t rest = length - dt;
  window.end_ns = model::kMaxTimeNs - rest <= t && t > 0 ? model::kMaxTimeNs : Add(t, rest);
  if (window.end_ns == model::kMaxTimeNs) {
    window.end_ns = INT64_MAX;
    return window;
  }
  window.end_ns = Add(window.end_ns, interval_.offset_ns);
  if (has_zone_) {
    const int64_t end_zone = ZoneOffset(window.end_ns);
    const int64_t shift = zone - end_zone;
    if (shift != 0 && std::abs(shift) < length) {
      // Clocks set back: the added time belongs to this window. Clocks set forward: the skipped
      // time follows the switch, so only a switch within this window shortens it.
      if (shift > 0 || ZoneOffset(window.end_ns + shift) == end_zone) window.end_ns += shift;
    }
  }
  return window;
}

int64_t Windows::Next(int64_t start_ns, bool ascending) const {
  if (interval_.calendar()) {
    const int64_t next = CalendarStart(CalendarNumber(start_ns) + (ascending ? 1 : -1));
    // Before the first window there is none.
    return !ascending && next <= model::kMinTimeNs ? INT64_MIN : next;
  }
  const int64_t length = interval_.duration_ns;
  int64_t next = ascending ? Add(start_ns, length) : Sub(start_ns, length);
  if (!has_zone_) return next;
  const int64_t before = ZoneOffset(start_ns);
  const int64_t after = ZoneOffset(next - 1);
  const int64_t shift = before - after;
  if (shift != 0 && std::abs(shift) < length) next += shift;
  return next;
}

}  // namespace varve::query
