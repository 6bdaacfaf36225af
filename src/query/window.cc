#include "query/window.h"

#include <cstdlib>

namespace varve::query {
namespace {

// Wrapping sums: times at the very ends of the range must not be undefined behaviour.
int64_t Add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t Sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

int64_t Windows::ZoneOffset(int64_t t) const {
  return static_cast<int64_t>(zone_.At(absl::FromUnixNanos(t)).offset) * 1'000'000'000;
}

Window Windows::At(int64_t t) const {
  if (interval_.zero()) {
    const bool open = range_.max_ns >= model::kMaxTimeNs;
    return {range_.min_ns, open ? INT64_MAX : range_.max_ns + 1};
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
