#include "query/fill.h"

#include <algorithm>
#include <cstdlib>

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// The value on the line through two points, at window `at`; windows are counted in intervals.
FieldValue Interpolate(const FieldValue& a, const FieldValue& b, int64_t from, int64_t to,
                       int64_t at) {
  const auto run = static_cast<double>(to - from);
  const auto x = static_cast<double>(at - from);
  switch (a.type()) {
    case FieldType::kFloat: {
      const double slope = (b.as_float() - a.as_float()) / run;
      return FieldValue::Float(slope * x + a.as_float());
    }
    case FieldType::kInteger: {
      const double slope = static_cast<double>(b.as_integer() - a.as_integer()) / run;
      return FieldValue::Integer(
          static_cast<int64_t>(slope * x + static_cast<double>(a.as_integer())));
    }
    case FieldType::kUnsigned: {
      const double difference =
          static_cast<double>(b.as_unsigned()) - static_cast<double>(a.as_unsigned());
      return FieldValue::Unsigned(
          static_cast<uint64_t>(difference / run * x + static_cast<double>(a.as_unsigned())));
    }
    default:
      return {};
  }
}

class Filler {
 public:
  Filler(const Points& in, const Windows& windows, const FillContext& context)
      : in_(in), windows_(windows), context_(context) {
    out_.aux_width = in.aux_width;
    const model::TimeRange& range = context.range;
    const int64_t begin = context.ascending ? range.min_ns : range.max_ns;
    const int64_t end = context.ascending ? range.max_ns : range.min_ns;
    expected_ = windows.At(begin).start_ns;
    // Descending towards an open start there is no last window to fill up to.
    open_end_ = !context.ascending && range.min_ns <= model::kMinTimeNs;
    end_ = open_end_ ? 0 : windows.At(end).start_ns;
    if (context.ascending && range.min_ns <= model::kMinTimeNs) {
      expected_ = windows.At(in.times[0]).start_ns;
    }
  }

  // Whether there is no gap to fill.
  bool IsComplete() const {
    int64_t expected = expected_;
    for (const int64_t time : in_.times) {
      if (time != expected) return false;
      expected = windows_.Next(time, context_.ascending);
    }
    return open_end_ || Before(end_, expected);
  }

  Points Run() {
    for (next_ = 0; next_ < in_.size(); ++next_) {
      while (Before(expected_, in_.times[next_])) AddFilled();
      if (out_.size() >= context_.points_max) return std::move(out_);
      out_.Append(in_.times[next_], in_.values[next_], in_.AuxOf(next_));
      previous_ = next_;
      has_previous_ = true;
      expected_ = windows_.Next(in_.times[next_], context_.ascending);
    }
    while (!open_end_ && !Before(end_, expected_) && out_.size() < context_.points_max) AddFilled();
    return std::move(out_);
  }

 private:
  bool Before(int64_t a, int64_t b) const { return context_.ascending ? a < b : a > b; }

  bool IsTooFar(int64_t from, int64_t to) const {
    return context_.max_ns > 0 && std::abs(to - from) > context_.max_ns;
  }

  void AddFilled() {
    out_.Append(expected_, Filled());
    expected_ = windows_.Next(expected_, context_.ascending);
  }
  FieldValue Filled() const {
    switch (context_.option) {
      case FillOption::kNumber:
        return context_.number;
      case FillOption::kPrevious:
        if (!has_previous_ || IsTooFar(in_.times[previous_], expected_)) return {};
        return in_.values[previous_];
      case FillOption::kLinear: {
        if (!has_previous_ || next_ >= in_.size()) return {};
        const FieldValue& a = in_.values[previous_];
        const FieldValue& b = in_.values[next_];
        if (a.is_null() || b.is_null() || IsTooFar(in_.times[previous_], in_.times[next_])) {
          return {};
        }
        // A month is not as long as another.
        const int64_t length = windows_.interval().calendar() ? 1 : windows_.interval().duration_ns;
        return Interpolate(a, b, in_.times[previous_] / length, in_.times[next_] / length,
                           expected_ / length);
      }
      default:
        return {};
    }
  }

  const Points& in_;
  const Windows& windows_;
  const FillContext& context_;
  Points out_;
  int64_t expected_ = 0;
  int64_t end_ = 0;
  bool open_end_ = false;
  size_t next_ = 0;
  size_t previous_ = 0;
  bool has_previous_ = false;
};

// The ranges, those in a common window made one, in the order of the answer.
std::vector<model::TimeRange> RangesToFill(const Windows& windows, const FillContext& context) {
  std::vector<model::TimeRange> out;
  for (const model::TimeRange& range : context.ranges) {
    if (!out.empty() && windows.At(out.back().max_ns).end_ns > range.min_ns) {
      out.back().max_ns = range.max_ns;
    } else {
      out.push_back(range);
    }
  }
  if (!context.ascending) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

size_t WindowsFilled(const Points& points, const Windows& windows, const FillContext& context) {
  if (points.size() == 0 || windows.interval().zero()) return points.size();
  if (!context.ranges.empty() && context.range.min_ns > model::kMinTimeNs) {
    size_t windows_count = 0;
    for (const model::TimeRange& range : context.ranges) {
      windows_count += windows.CountWithin(range);
    }
    return windows_count;
  }
  const int64_t front = points.times.front();
  const int64_t back = points.times.back();
  const bool open = context.range.min_ns <= model::kMinTimeNs;
  const int64_t first = open ? std::min(front, back) : context.range.min_ns;
  const int64_t last = std::max({front, back, context.range.max_ns});
  const auto length = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  const size_t filled = length / static_cast<uint64_t>(windows.interval().duration_ns) + 2;
  return std::min(filled, context.points_max);
}

Points FillWindows(const Points& points, const Windows& windows, const FillContext& context) {
  if (points.size() == 0) return points;
  if (context.ranges.empty()) {
    Filler filler(points, windows, context);
    return filler.IsComplete() ? points : filler.Run();
  }
  Points out;
  out.aux_width = points.aux_width;
  FillContext part = context;
  part.ranges.clear();
  size_t at = 0;
  for (const model::TimeRange& range : RangesToFill(windows, context)) {
    part.range = range;
    const model::TimeRange starts{windows.At(range.min_ns).start_ns, range.max_ns};
    Points within;
    within.aux_width = points.aux_width;
    for (; at < points.size() && starts.Contains(points.times[at]); ++at) {
      within.Append(points.times[at], points.values[at], points.AuxOf(at));
    }
    if (within.size() == 0 && range.min_ns <= model::kMinTimeNs) continue;
    within = Filler(within, windows, part).Run();
    for (size_t i = 0; i < within.size(); ++i) {
      out.Append(within.times[i], within.values[i], within.AuxOf(i));
    }
  }
  return out;
}

}  // namespace varve::query
