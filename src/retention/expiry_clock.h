// The time by which data expires: the wall clock, except where it jumps forward.
//
// A clock that is set a year ahead by mistake must not cost a year of data, since setting it right
// again brings nothing back. So a jump forward, told by comparing the wall clock with the monotonic
// one, is believed only when it has lasted as long as it is wide, a day at most; until then time
// goes on from where it was. A jump back is believed at once: it only keeps data longer. Time that
// passed while no process ran cannot be told from a jump and is treated as one.
#pragma once

#include <cstdint>
#include <optional>

namespace varve::retention {

// One thread at a time.
class ExpiryClock {
 public:
  // A difference up to it is drift, or the reading itself.
  static constexpr int64_t kToleranceNs = 60 * int64_t{1'000'000'000};
  static constexpr int64_t kLongestDoubtNs = 24 * 3600 * int64_t{1'000'000'000};

  // `believed_ns`: what believed_ns() was when the last process ended; absent: there was none.
  explicit ExpiryClock(std::optional<int64_t> believed_ns) : start_ns_(believed_ns) {}

  // Takes a reading of both clocks; returns the time to expire data by. The more often it is called
  // the sooner a jump that is taken back is forgotten.
  int64_t Observe(int64_t wall_ns, int64_t monotonic_ns);

  // The latest time that was believed, gone on with the monotonic clock.
  int64_t believed_ns() const { return line_ns_; }
  // How far the wall clock is ahead of what is believed; 0 without doubt.
  int64_t doubt_ns() const { return jump_ns_; }

 private:
  std::optional<int64_t> start_ns_;
  bool started_ = false;
  int64_t line_ns_ = 0;       // at monotonic_ns_
  int64_t monotonic_ns_ = 0;  // of the last reading
  int64_t jump_ns_ = 0;       // how wide the jump in doubt is; 0: none
  int64_t jumped_at_ns_ = 0;  // monotonic
};

}  // namespace varve::retention
