// What happens to the points of a call once they are computed, where one stream holds the points of
// several series in turn: InfluxDB's iterators notice only that the series has changed.
//
// Source: InfluxDB 1.x "query/iterator.gen.go": fill, stream and limit iterators.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "query/fill.h"
#include "query/functions/transform.h"
#include "query/points.h"

namespace varve::query {

// The points of one call; `groups`: of each the group it belongs to, empty when there is only one.
struct StreamPoints {
  Points points;
  std::vector<uint32_t> groups;

  // The first point behind `begin` that is of another group.
  size_t RunEnd(size_t begin) const;
  void AppendRun(const Points& run, uint32_t group);
};

// One stream of the points of several groups, `stream`, each in order: by window, within one by
// group; points with times of their own by these.
StreamPoints Interleave(std::vector<Points> by_group, std::span<const uint32_t> stream,
                        const Windows& windows, bool ascending, bool own_times);

// Fills all windows anew whenever the group changes.
StreamPoints FillStream(const StreamPoints& stream, const Windows& windows,
                        const FillContext& context);

// Each group by itself; what comes of a point takes its place in the stream.
absl::StatusOr<StreamPoints> TransformStream(const TransformContext& context,
                                             const StreamPoints& stream);

// OFFSET and LIMIT (0: none), counted anew whenever the group changes.
void LimitStream(size_t offset, size_t limit, StreamPoints* stream);

// Follows the pauses (Points::pauses) of a call from group to group: one that falls into a window
// which fill() fills anyway is not noticed.
class PauseFilter {
 public:
  // `fills`: gaps are filled.
  PauseFilter(Windows windows, const FillContext& context, bool fills);
  // Drops the pauses of the next group's points that are not noticed.
  void Apply(Points* points);

 private:
  bool Notices();

  Windows windows_;
  bool fills_;
  bool ascending_;
  bool open_end_;
  int64_t end_ = 0;
  bool started_ = false;
  int64_t last_ = 0;   // the last point's time
  size_t filled_ = 0;  // windows behind it that pauses have filled
};

}  // namespace varve::query
