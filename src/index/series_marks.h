// Bits over the series of one segment, by their index in it: those that are forgotten, and those
// that are about to be.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/series_segment.h"
#include "index/series_set.h"

namespace varve::index {

// The series of a segment that the table has forgotten. Replaced whole, never changed.
class DeadSeries {
 public:
  DeadSeries(const SeriesSegment& segment, const DeadSeries* before)
      : words_((segment.series_count() + 63) / 64) {
    if (before != nullptr) *this = *before;
  }

  bool Has(uint32_t index) const { return ((words_[index / 64] >> (index % 64)) & 1) != 0; }
  uint32_t count() const { return count_; }
  // While it is made.
  void Add(uint32_t index) {
    count_ += Has(index) ? 0 : 1;
    words_[index / 64] |= uint64_t{1} << (index % 64);
  }
  uint64_t memory_bytes() const { return words_.size() * sizeof(uint64_t); }

 private:
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

// The series of a segment that are watched: one that is found leaves.
// Thread safety: every method may be called from any thread.
class WatchedSeries {
 public:
  explicit WatchedSeries(const SeriesSegment& segment)
      : words_((segment.series_count() + 63) / 64) {}

  bool Has(uint32_t index) const {
    return ((words_[index / 64].load(std::memory_order_relaxed) >> (index % 64)) & 1) != 0;
  }
  void Add(uint32_t index) {
    words_[index / 64].fetch_or(uint64_t{1} << (index % 64), std::memory_order_relaxed);
  }
  void Remove(uint32_t index) {
    if (!Has(index)) return;
    words_[index / 64].fetch_and(~(uint64_t{1} << (index % 64)), std::memory_order_relaxed);
  }
  uint64_t memory_bytes() const { return words_.size() * sizeof(uint64_t); }

 private:
  std::vector<std::atomic<uint64_t>> words_;
};

// A segment of the table, and what has become of its series since it was written.
struct SegmentPart {
  std::shared_ptr<const SeriesSegment> segment;
  uint64_t number = 0;                     // of its file
  std::shared_ptr<const DeadSeries> dead;  // null: none
  std::shared_ptr<WatchedSeries> watched;  // null: none

  uint32_t dead_count() const { return dead == nullptr ? 0 : dead->count(); }
  uint32_t live_count() const { return segment->series_count() - dead_count(); }
  bool IsLive(uint32_t index) const { return dead == nullptr || !dead->Has(index); }
  // Whether the series, which somebody has found, lives; it is then watched no more.
  bool Take(uint32_t index) const {
    if (!IsLive(index)) return false;
    if (watched != nullptr) watched->Remove(index);
    return true;
  }
  uint64_t memory_bytes() const;
  void AddDead(SeriesSet* out) const;
  void AddLive(SeriesSet* out) const;
  void AddWatched(SeriesSet* out) const;
};

}  // namespace varve::index
