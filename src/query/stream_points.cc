#include "query/stream_points.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/status.h"

namespace varve::query {
namespace {

Points Slice(const Points& points, size_t begin, size_t end) {
  Points slice;
  slice.aux_width = points.aux_width;
  for (size_t i = begin; i < end; ++i) {
    slice.Append(points.times[i], points.values[i], points.AuxOf(i));
  }
  return slice;
}

}  // namespace

size_t StreamPoints::RunEnd(size_t begin) const {
  if (groups.empty()) return points.size();
  size_t end = begin + 1;
  while (end < groups.size() && groups[end] == groups[begin]) ++end;
  return end;
}

void StreamPoints::AppendRun(const Points& run, uint32_t group) {
  for (size_t i = 0; i < run.size(); ++i) {
    points.Append(run.times[i], run.values[i], run.AuxOf(i));
  }
  groups.resize(points.size(), group);
}

StreamPoints Interleave(std::vector<Points> by_group, std::span<const uint32_t> stream,
                        const Windows& windows, bool ascending, bool own_times) {
  // Window, time within it, group, place within the group.
  using Key = std::tuple<int64_t, int64_t, uint32_t, uint32_t>;
  std::vector<Key> keys;
  for (uint32_t g = 0; g < by_group.size(); ++g) {
    const Points& points = by_group[g];
    for (uint32_t i = 0; i < points.size(); ++i) {
      const int64_t time = points.times[i];
      int64_t window = 0;
      if (!windows.interval().zero()) window = own_times ? windows.At(time).start_ns : time;
      keys.emplace_back(ascending ? window : ~window, own_times ? time : 0, g, i);
    }
  }
  std::sort(keys.begin(), keys.end());
  StreamPoints out;
  if (!by_group.empty()) out.points.aux_width = by_group.front().aux_width;
  for (const auto& [window, time, g, i] : keys) {
    out.points.Append(by_group[g].times[i], by_group[g].values[i], by_group[g].AuxOf(i));
    out.groups.push_back(stream[g]);
  }
  return out;
}

StreamPoints FillStream(const StreamPoints& stream, const Windows& windows,
                        const FillContext& context) {
  StreamPoints out;
  out.points.aux_width = stream.points.aux_width;
  for (size_t begin = 0; begin < stream.points.size();) {
    const size_t end = stream.RunEnd(begin);
    out.AppendRun(FillWindows(Slice(stream.points, begin, end), windows, context),
                  stream.groups[begin]);
    begin = end;
  }
  return out;
}

absl::StatusOr<StreamPoints> TransformStream(const TransformContext& context,
                                             const StreamPoints& stream) {
  std::map<uint32_t, std::vector<size_t>> of_group;  // the places of its points
  for (size_t i = 0; i < stream.points.size(); ++i) of_group[stream.groups[i]].push_back(i);
  struct Made {
    size_t place;
    size_t index;
    uint32_t group;
  };
  std::vector<Made> made;
  std::vector<Points> results;
  for (const auto& [group, places] : of_group) {
    Points input;
    for (const size_t i : places) input.Append(stream.points.times[i], stream.points.values[i]);
    ASSIGN_OR_RETURN(Points output, Transform(context, input));
    size_t at = 0;
    for (size_t i = 0; i < output.size(); ++i) {
      while (at < places.size() && input.times[at] != output.times[i]) ++at;
      made.push_back({at < places.size() ? places[at] : stream.points.size(), i, group});
    }
    results.push_back(std::move(output));
  }
  std::stable_sort(made.begin(), made.end(),
                   [](const Made& a, const Made& b) { return a.place < b.place; });
  StreamPoints out;
  for (const Made& m : made) {
    const auto of = static_cast<size_t>(std::distance(of_group.begin(), of_group.find(m.group)));
    out.points.Append(results[of].times[m.index], results[of].values[m.index]);
    out.groups.push_back(m.group);
  }
  return out;
}

void LimitStream(size_t offset, size_t limit, StreamPoints* stream) {
  if (offset == 0 && limit == 0) return;
  StreamPoints out;
  out.points.aux_width = stream->points.aux_width;
  for (size_t begin = 0; begin < stream->points.size();) {
    const size_t end = stream->RunEnd(begin);
    const size_t from = std::min(end, begin + offset);
    const size_t to = limit == 0 ? end : std::min(end, from + limit);
    out.AppendRun(Slice(stream->points, from, to), stream->groups[begin]);
    begin = end;
  }
  *stream = std::move(out);
}

PauseFilter::PauseFilter(Windows windows, const FillContext& context, bool fills)
    : windows_(std::move(windows)), fills_(fills), ascending_(context.ascending) {
  const model::TimeRange& range = context.range;
  open_end_ = !ascending_ && range.min_ns <= model::kMinTimeNs;
  if (fills_ && !open_end_) end_ = windows_.At(ascending_ ? range.max_ns : range.min_ns).start_ns;
}

bool PauseFilter::Notices() {
  if (!started_ || open_end_) return true;
  int64_t next = windows_.Next(last_, ascending_);
  for (size_t i = 0; i < filled_; ++i) next = windows_.Next(next, ascending_);
  if (ascending_ ? next > end_ : next < end_) return true;
  ++filled_;
  return false;
}

void PauseFilter::Apply(Points* points) {
  if (!fills_) return;
  std::vector<size_t> noticed;
  const auto pass = [&](size_t point) {
    started_ = true;
    last_ = points->times[point];
    filled_ = 0;
  };
  for (const size_t place : points->pauses) {
    if (place > 0) pass(place - 1);
    if (Notices()) noticed.push_back(place);
  }
  if (points->size() > 0 && (points->pauses.empty() || points->pauses.back() < points->size())) {
    pass(points->size() - 1);
  }
  points->pauses = std::move(noticed);
}

}  // namespace varve::query
