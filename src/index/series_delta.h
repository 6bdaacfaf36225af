// The part of the series dictionary that no segment holds yet, and the spellings that it is to know
// sooner than its parts would tell.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "index/bytes_table.h"
#include "index/series_table.h"
#include "model/types.h"

namespace varve::index {

// Series from `first` on, in memory.
// Thread safety: const methods may be called from many threads while none calls Add().
class SeriesDelta {
 public:
  explicit SeriesDelta(model::SeriesId first) : first_(first) {}

  bool Find(std::string_view key, uint64_t hash, SeriesRef* ref) const {
    const uint32_t at = keys_.Find(key, hash);
    if (at == BytesTable::kNone) return false;
    *ref = {.series = first_ + at, .measurement = measurements_[at]};
    return true;
  }
  void Prefetch(uint64_t hash, int stage) const {
    if (stage < BytesTable::kPrefetchStages) keys_.Prefetch(hash, stage);
  }
  // `key` must be new.
  void Add(std::string_view key, uint64_t hash, model::MeasurementId measurement) {
    keys_.Add(key, hash);
    measurements_.push_back(measurement);
    key_bytes_ += key.size();
  }
  bool full() const { return keys_.full(); }

  model::SeriesId first() const { return first_; }
  model::SeriesId end() const { return first_ + static_cast<uint32_t>(measurements_.size()); }
  std::string_view KeyOf(model::SeriesId series) const { return keys_.Get(series - first_); }
  model::MeasurementId MeasurementOf(model::SeriesId series) const {
    return measurements_[series - first_];
  }
  uint64_t key_bytes() const { return key_bytes_; }
  uint64_t memory_bytes() const { return keys_.memory_bytes() + measurements_.capacity() * 4; }

 private:
  const model::SeriesId first_;
  BytesTable keys_;
  std::vector<model::MeasurementId> measurements_;
  uint64_t key_bytes_ = 0;
};

// Remembers spellings of series within a bound: two generations, the older of which goes when the
// newer is full.
// Thread safety: as SeriesDelta.
class SeriesSpellings {
 public:
  // `bytes_max`: of both generations together.
  explicit SeriesSpellings(uint64_t bytes_max)
      : bytes_max_(bytes_max),
        young_(std::make_unique<Generation>()),
        old_(std::make_unique<Generation>()) {}

  bool Find(std::string_view spelling, uint64_t hash, SeriesRef* ref) const {
    return young_->Find(spelling, hash, ref) || old_->Find(spelling, hash, ref);
  }
  void Prefetch(std::span<const uint64_t> hashes) const {
    for (int stage = 0; stage < BytesTable::kPrefetchStages; ++stage) {
      for (const uint64_t hash : hashes) {
        young_->spellings.Prefetch(hash, stage);
        old_->spellings.Prefetch(hash, stage);
      }
    }
  }
  // Takes the place of what the spelling meant before.
  void Add(std::string_view spelling, uint64_t hash, SeriesRef ref);
  uint64_t memory_bytes() const { return young_->memory_bytes() + old_->memory_bytes(); }

 private:
  struct Generation {
    BytesTable spellings;
    std::vector<SeriesRef> refs;
    bool Find(std::string_view spelling, uint64_t hash, SeriesRef* ref) const {
      const uint32_t at = spellings.Find(spelling, hash);
      if (at == BytesTable::kNone) return false;
      *ref = refs[at];
      return true;
    }
    uint64_t memory_bytes() const {
      return spellings.memory_bytes() + refs.capacity() * sizeof(SeriesRef);
    }
  };
  const uint64_t bytes_max_;
  std::unique_ptr<Generation> young_;
  std::unique_ptr<Generation> old_;
};

}  // namespace varve::index
