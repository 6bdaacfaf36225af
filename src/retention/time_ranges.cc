#include "retention/time_ranges.h"

#include <algorithm>

namespace varve::retention {

void TimeRanges::Add(Span span) {
  if (span.start_ns >= span.end_ns) return;
  const auto first =
      std::lower_bound(spans_.begin(), spans_.end(), span.start_ns,
                       [](const Span& s, int64_t start_ns) { return s.end_ns < start_ns; });
  auto last = first;
  for (; last != spans_.end() && last->start_ns <= span.end_ns; ++last) {
    span.start_ns = std::min(span.start_ns, last->start_ns);
    span.end_ns = std::max(span.end_ns, last->end_ns);
  }
  spans_.insert(spans_.erase(first, last), span);
  if (spans_.size() <= kMaxSpans) return;
  size_t closest = 1;
  const auto gap = [this](size_t i) { return spans_[i].start_ns - spans_[i - 1].end_ns; };
  for (size_t i = 2; i < spans_.size(); ++i) {
    if (gap(i) < gap(closest)) closest = i;
  }
  spans_[closest - 1].end_ns = spans_[closest].end_ns;
  spans_.erase(spans_.begin() + static_cast<ptrdiff_t>(closest));
}

void TimeRanges::CutBefore(int64_t time_ns) {
  std::erase_if(spans_, [=](const Span& s) { return s.end_ns <= time_ns; });
  if (!spans_.empty()) spans_.front().start_ns = std::max(spans_.front().start_ns, time_ns);
}

void TimeRanges::CutFrom(int64_t time_ns) {
  std::erase_if(spans_, [=](const Span& s) { return s.start_ns >= time_ns; });
  if (!spans_.empty()) spans_.back().end_ns = std::min(spans_.back().end_ns, time_ns);
}

}  // namespace varve::retention
