#include "query/time_ranges.h"

#include <algorithm>

namespace varve::query {

using model::TimeRange;

TimeRanges RangesOf(const TimeRange& range) {
  return range.empty() ? TimeRanges() : TimeRanges{range};
}

TimeRanges Union(const TimeRanges& a, const TimeRanges& b) {
  TimeRanges all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end(),
            [](const TimeRange& x, const TimeRange& y) { return x.min_ns < y.min_ns; });
  TimeRanges out;
  for (const TimeRange& range : all) {
    // Neighbours become one: there is no time between them.
    if (!out.empty() &&
        (range.min_ns <= out.back().max_ns || range.min_ns - 1 == out.back().max_ns)) {
      out.back().max_ns = std::max(out.back().max_ns, range.max_ns);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

TimeRanges Intersection(const TimeRanges& a, const TimeRanges& b) {
  TimeRanges out;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const TimeRange both{std::max(a[i].min_ns, b[j].min_ns), std::min(a[i].max_ns, b[j].max_ns)};
    if (!both.empty()) out.push_back(both);
    if (a[i].max_ns < b[j].max_ns) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

TimeRange HullOf(const TimeRanges& ranges) {
  if (ranges.empty()) return {0, -1};
  return {ranges.front().min_ns, ranges.back().max_ns};
}

bool Overlaps(const TimeRanges& ranges, const TimeRange& range) {
  const auto at = std::lower_bound(ranges.begin(), ranges.end(), range.min_ns,
                                   [](const TimeRange& r, int64_t t) { return r.max_ns < t; });
  return at != ranges.end() && at->min_ns <= range.max_ns;
}

bool Contains(const TimeRanges& ranges, int64_t time) { return Overlaps(ranges, {time, time}); }

}  // namespace varve::query
