// A set of series ids: a Roaring bitmap (Lemire et al., "Roaring Bitmaps", 2016).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/types.h"

struct roaring_bitmap_s;  // CRoaring's; this room includes it, others need not

namespace varve::index {

// A value type; copies share until one is changed. One thread at a time changes it; const methods
// may be called from any thread. A set of one id, which most tag values have, allocates nothing.
// kNoId is no member of any set.
class SeriesSet {
 public:
  SeriesSet() = default;
  explicit SeriesSet(std::span<const model::SeriesId> ids);  // any order, repeats allowed
  SeriesSet(const SeriesSet&) = default;
  SeriesSet(SeriesSet&& other) noexcept;
  SeriesSet& operator=(const SeriesSet&) = default;
  SeriesSet& operator=(SeriesSet&& other) noexcept;
  ~SeriesSet() = default;

  bool Contains(model::SeriesId id) const;
  uint64_t Count() const;
  bool empty() const;
  std::vector<model::SeriesId> ToVector() const;  // ascending
  bool Intersects(const SeriesSet& other) const;
  bool IsSubsetOf(const SeriesSet& other) const;
  // Whether it has an id of [first, end).
  bool IntersectsRange(uint64_t first, uint64_t end) const;

  void Add(model::SeriesId id);
  void AddRange(uint64_t first, uint64_t end);  // [first, end), end at most kNoId
  void Remove(model::SeriesId id);
  SeriesSet& operator|=(const SeriesSet& other);
  SeriesSet& operator&=(const SeriesSet& other);
  SeriesSet& operator-=(const SeriesSet& other);
  friend bool operator==(const SeriesSet& a, const SeriesSet& b);

  // For this room: takes over `bits`, which may be empty but not null.
  static SeriesSet Adopt(roaring_bitmap_s* bits);
  // For this room: the bitmap, or null when the set has one id or none. Borrowed.
  const roaring_bitmap_s* bits() const;
  uint64_t memory_bytes() const;

 private:
  struct Rep;
  // A bitmap of this set alone; made from the single id, copied when shared.
  roaring_bitmap_s* Mutable();
  void Clear();

  model::SeriesId single_ = model::kNoId;  // the only member; kNoId when rep_ is set or empty
  std::shared_ptr<Rep> rep_;
};

// Gathers postings, in any order, to one set: single ids are kept aside and added sorted at the
// end, which is what a bitmap is cheapest at.
class SeriesSetBuilder {
 public:
  SeriesSetBuilder() = default;
  ~SeriesSetBuilder();
  SeriesSetBuilder(const SeriesSetBuilder&) = delete;
  SeriesSetBuilder& operator=(const SeriesSetBuilder&) = delete;

  void Add(model::SeriesId id) { singles_.push_back(id); }
  void Add(std::span<const model::SeriesId> ids) {
    singles_.insert(singles_.end(), ids.begin(), ids.end());
  }
  void Add(const roaring_bitmap_s* bits);
  void Add(const SeriesSet& set);
  bool empty() const { return singles_.empty() && bits_ == nullptr; }
  // The union of all that was added; the builder is then empty.
  SeriesSet Finish();

 private:
  std::vector<model::SeriesId> singles_;
  roaring_bitmap_s* bits_ = nullptr;
};

}  // namespace varve::index
