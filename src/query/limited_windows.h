// GROUP BY time() with LIMIT: the windows an answer begins with are read first, and those behind
// them only until every group has as many points as can show.
//
// LIMIT and OFFSET cut the points of each call once gaps are filled. What fill() makes of the
// windows up to a point hangs on the points up to that one only: those behind it change nothing
// before it. So a call is settled as soon as its n-th point, filled ones counted, is no later than
// the last one that was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/types.h"
#include "query/call_plan.h"
#include "query/execute.h"
#include "query/points.h"
#include "query/prepare.h"
#include "query/window.h"

namespace varve::query {

class LimitedWindows {
 public:
  // Nothing where points may hang on others that come later in the answer, or no LIMIT says how
  // many are wanted.
  //   held  the times that can have rows at all
  static std::optional<LimitedWindows> Make(const PreparedSelect& select,
                                            const GroupedSources& grouped, const SelectPlan& plan,
                                            const model::TimeRange& held);

  // Whole windows, but for the ends of the statement's range, that come next in the answer, more
  // each time; an empty range at the end.
  model::TimeRange Next();
  // Whether the points of a call that were read so far, in the order of the answer, will do.
  bool IsSettled(const Points& points) const;
  // How many points of a call can show, and those that OFFSET skips.
  size_t points_wanted() const { return wanted_; }

 private:
  LimitedWindows(const PreparedSelect& select, const model::TimeRange& range, size_t wanted,
                 const model::TimeRange& held);

  bool Before(int64_t a, int64_t b) const { return ascending_ ? a < b : a > b; }
  // The start of the last of the wanted windows, the first of which `border` lies in; nothing when
  // time ends before it.
  std::optional<int64_t> LastWanted(int64_t border) const;

  bool ascending_;
  Windows windows_;
  size_t wanted_;
  // The window that the wanted-th point is in at the latest where gaps are filled; else nothing.
  std::optional<int64_t> last_wanted_;
  model::TimeRange rest_;                 // not yet handed out
  std::optional<uint64_t> first_length_;  // of what is handed out first
  uint64_t last_length_ = 0;              // of what was handed out last
};

}  // namespace varve::query
