#include "retention/expiry_clock.h"

#include <algorithm>
#include <cstdlib>

namespace varve::retention {

int64_t ExpiryClock::Observe(int64_t wall_ns, int64_t monotonic_ns) {
  if (!started_) {
    started_ = true;
    line_ns_ = start_ns_.value_or(wall_ns);
    monotonic_ns_ = monotonic_ns;
  }
  line_ns_ += std::max<int64_t>(monotonic_ns - monotonic_ns_, 0);
  monotonic_ns_ = monotonic_ns;
  const int64_t ahead_ns = wall_ns - line_ns_;
  if (ahead_ns <= kToleranceNs) {
    jump_ns_ = 0;
    line_ns_ = std::max(line_ns_, wall_ns);
    return wall_ns;
  }
  if (jump_ns_ == 0 || std::abs(ahead_ns - jump_ns_) > kToleranceNs) {
    jumped_at_ns_ = monotonic_ns;
    jump_ns_ = ahead_ns;
  }
  if (monotonic_ns - jumped_at_ns_ < std::min(jump_ns_, kLongestDoubtNs)) return line_ns_;
  jump_ns_ = 0;
  line_ns_ = wall_ns;
  return wall_ns;
}

}  // namespace varve::retention
