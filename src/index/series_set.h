// A set of series ids: a Roaring bitmap (Lemire et al., "Roaring Bitmaps", 2016).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/types.h"

namespace varve::index {

// A value type; copies share until one is changed. One thread at a time changes it; const methods
// may be called from any thread.
class SeriesSet {
 public:
  SeriesSet();
  explicit SeriesSet(std::span<const model::SeriesId> ids);  // any order
  SeriesSet(const SeriesSet&);
  SeriesSet(SeriesSet&&) noexcept;
  SeriesSet& operator=(const SeriesSet&);
  SeriesSet& operator=(SeriesSet&&) noexcept;
  ~SeriesSet();

  bool Contains(model::SeriesId id) const;
  uint64_t Count() const;
  bool empty() const;
  std::vector<model::SeriesId> ToVector() const;  // ascending
  bool Intersects(const SeriesSet& other) const;
  bool IsSubsetOf(const SeriesSet& other) const;

  void Add(model::SeriesId id);
  void Remove(model::SeriesId id);
  SeriesSet& operator|=(const SeriesSet& other);
  SeriesSet& operator&=(const SeriesSet& other);
  SeriesSet& operator-=(const SeriesSet& other);
  friend bool operator==(const SeriesSet& a, const SeriesSet& b);

  struct Rep;  // the bitmap; known to this room only
  const Rep& rep() const { return *rep_; }
  explicit SeriesSet(std::shared_ptr<Rep> rep);

 private:
  std::shared_ptr<Rep> rep_;
};

}  // namespace varve::index
