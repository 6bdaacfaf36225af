// A set of times, as few ranges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve::retention {

// Start included, end excluded.
struct Span {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// Ranges that touch become one. Beyond kMaxSpans those closest to each other do, so the set may
// grow by what lies between them; it never loses a time.
//
// One thread at a time.
class TimeRanges {
 public:
  static constexpr size_t kMaxSpans = 4096;

  void Add(Span span);
  // Takes out what lies before `time_ns`, or from it on.
  void CutBefore(int64_t time_ns);
  void CutFrom(int64_t time_ns);
  void Clear() { spans_.clear(); }

  bool empty() const { return spans_.empty(); }
  const std::vector<Span>& spans() const { return spans_; }  // ascending, disjoint, not touching

 private:
  std::vector<Span> spans_;
};

}  // namespace varve::retention
