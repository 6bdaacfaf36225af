#include "index/series_set.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace varve::index {

using model::kNoId;
using model::SeriesId;

struct SeriesSet::Rep {
  explicit Rep(roaring_bitmap_t* b) : bits(b) { CHECK(b != nullptr) << "out of memory"; }
  ~Rep() { roaring_bitmap_free(bits); }
  Rep(const Rep&) = delete;
  Rep& operator=(const Rep&) = delete;
  roaring_bitmap_t* bits;
};

SeriesSet::SeriesSet(std::span<const SeriesId> ids) {
  if (ids.empty()) return;
  if (ids.size() == 1) {
    single_ = ids[0];
    return;
  }
  rep_ = std::make_shared<Rep>(roaring_bitmap_of_ptr(ids.size(), ids.data()));
}

SeriesSet::SeriesSet(SeriesSet&& other) noexcept
    : single_(std::exchange(other.single_, kNoId)), rep_(std::move(other.rep_)) {}

SeriesSet& SeriesSet::operator=(SeriesSet&& other) noexcept {
  single_ = std::exchange(other.single_, kNoId);
  rep_ = std::move(other.rep_);
  return *this;
}

SeriesSet SeriesSet::Adopt(roaring_bitmap_t* bits) {
  SeriesSet set;
  set.rep_ = std::make_shared<Rep>(bits);
  return set;
}

const roaring_bitmap_t* SeriesSet::bits() const { return rep_ ? rep_->bits : nullptr; }

uint64_t SeriesSet::memory_bytes() const {
  return rep_ ? sizeof(Rep) + roaring_bitmap_size_in_bytes(rep_->bits) : 0;
}

bool SeriesSet::Contains(SeriesId id) const {
  if (rep_) return roaring_bitmap_contains(rep_->bits, id);
  return single_ == id && id != kNoId;
}

uint64_t SeriesSet::Count() const {
  if (rep_) return roaring_bitmap_get_cardinality(rep_->bits);
  return single_ != kNoId ? 1 : 0;
}

bool SeriesSet::empty() const {
  return rep_ ? roaring_bitmap_is_empty(rep_->bits) : single_ == kNoId;
}

std::vector<SeriesId> SeriesSet::ToVector() const {
  std::vector<SeriesId> ids(Count());
  if (rep_) {
    roaring_bitmap_to_uint32_array(rep_->bits, ids.data());
  } else if (!ids.empty()) {
    ids[0] = single_;
  }
  return ids;
}

bool SeriesSet::Intersects(const SeriesSet& other) const {
  if (!rep_) return other.Contains(single_);
  if (!other.rep_) return Contains(other.single_);
  return roaring_bitmap_intersect(rep_->bits, other.rep_->bits);
}

bool SeriesSet::IsSubsetOf(const SeriesSet& other) const {
  if (!rep_) return single_ == kNoId || other.Contains(single_);
  if (other.rep_) return roaring_bitmap_is_subset(rep_->bits, other.rep_->bits);
  const uint64_t count = Count();
  return count == 0 || (count == 1 && Contains(other.single_));
}

bool SeriesSet::IntersectsRange(uint64_t first, uint64_t end) const {
  if (rep_) return roaring_bitmap_range_cardinality(rep_->bits, first, end) != 0;
  return single_ != kNoId && first <= single_ && single_ < end;
}

void SeriesSet::Clear() {
  single_ = kNoId;
  rep_.reset();
}

roaring_bitmap_t* SeriesSet::Mutable() {
  if (!rep_) {
    rep_ = std::make_shared<Rep>(roaring_bitmap_create());
    if (single_ != kNoId) roaring_bitmap_add(rep_->bits, std::exchange(single_, kNoId));
  } else if (rep_.use_count() != 1) {
    rep_ = std::make_shared<Rep>(roaring_bitmap_copy(rep_->bits));
  }
  return rep_->bits;
}

void SeriesSet::Add(SeriesId id) {
  DCHECK(id != kNoId);
  if (!rep_ && (single_ == kNoId || single_ == id)) {
    single_ = id;
    return;
  }
  roaring_bitmap_add(Mutable(), id);
}

void SeriesSet::AddRange(uint64_t first, uint64_t end) {
  DCHECK(end <= kNoId);
  if (end == first + 1) return Add(static_cast<SeriesId>(first));
  if (first < end) roaring_bitmap_add_range(Mutable(), first, end);
}

void SeriesSet::Remove(SeriesId id) {
  if (!rep_) {
    if (single_ == id) single_ = kNoId;
    return;
  }
  if (Contains(id)) roaring_bitmap_remove(Mutable(), id);
}

SeriesSet& SeriesSet::operator|=(const SeriesSet& other) {
  if (other.rep_ == nullptr) {
    if (other.single_ != kNoId) Add(other.single_);
  } else if (empty()) {
    *this = SeriesSet(other);
  } else if (rep_ != other.rep_) {
    roaring_bitmap_or_inplace(Mutable(), other.rep_->bits);
  }
  return *this;
}

SeriesSet& SeriesSet::operator&=(const SeriesSet& other) {
  if (rep_ == nullptr) {
    if (!other.Contains(single_)) Clear();
  } else if (other.rep_ == nullptr) {
    const SeriesId id = other.single_;
    const bool both = Contains(id);
    Clear();
    if (both) single_ = id;
  } else if (rep_ != other.rep_) {
    if (rep_.use_count() != 1) {
      rep_ = std::make_shared<Rep>(roaring_bitmap_and(rep_->bits, other.rep_->bits));
    } else {
      roaring_bitmap_and_inplace(rep_->bits, other.rep_->bits);
    }
  }
  return *this;
}

SeriesSet& SeriesSet::operator-=(const SeriesSet& other) {
  if (other.rep_ == nullptr) {
    if (other.single_ != kNoId) Remove(other.single_);
  } else if (rep_ == nullptr) {
    if (other.Contains(single_)) single_ = kNoId;
  } else if (rep_ == other.rep_) {
    Clear();
  } else if (rep_.use_count() != 1) {
    rep_ = std::make_shared<Rep>(roaring_bitmap_andnot(rep_->bits, other.rep_->bits));
  } else {
    roaring_bitmap_andnot_inplace(rep_->bits, other.rep_->bits);
  }
  return *this;
}

bool operator==(const SeriesSet& a, const SeriesSet& b) {
  if (a.rep_ && b.rep_) {
    return a.rep_ == b.rep_ || roaring_bitmap_equals(a.rep_->bits, b.rep_->bits);
  }
  return a.Count() == b.Count() && a.IsSubsetOf(b);
}

SeriesSetBuilder::~SeriesSetBuilder() {
  if (bits_ != nullptr) roaring_bitmap_free(bits_);
}

void SeriesSetBuilder::Add(const roaring_bitmap_t* bits) {
  if (bits_ == nullptr) {
    bits_ = roaring_bitmap_copy(bits);
  } else {
    roaring_bitmap_or_inplace(bits_, bits);
  }
}

void SeriesSetBuilder::Add(const SeriesSet& set) {
  if (set.bits() != nullptr) {
    Add(set.bits());
  } else if (!set.empty()) {
    Add(set.ToVector()[0]);
  }
}

SeriesSet SeriesSetBuilder::Finish() {
  if (bits_ == nullptr) {
    std::sort(singles_.begin(), singles_.end());
    SeriesSet set{std::span<const SeriesId>(singles_)};
    singles_.clear();
    return set;
  }
  std::sort(singles_.begin(), singles_.end());
  roaring_bitmap_add_many(bits_, singles_.size(), singles_.data());
  singles_.clear();
  return SeriesSet::Adopt(std::exchange(bits_, nullptr));
}

}  // namespace varve::index
