// An array indexed by dense ids that grows without moving what it holds.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace varve::engine {

// Buckets of doubling size behind a fixed root: bucket 0 holds the first kFirst elements, bucket k
// the next kFirst << (k - 1). Elements are value-initialised when their bucket is made.
//
// Thread safety: any thread may call any method; two elements never share more than T does, so T is
// an atomic where several threads touch one.
template <typename T, size_t kFirst = 64>
class GrowingArray {
  static_assert(std::has_single_bit(kFirst));

 public:
  GrowingArray() = default;
  ~GrowingArray() {
    for (auto& bucket : buckets_) delete[] bucket.load(std::memory_order_relaxed);
  }
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  // Null when no element near `index` was asked for with At() yet.
  T* Find(size_t index) const {
    const Place place = PlaceOf(index);
    T* bucket = buckets_[place.bucket].load(std::memory_order_acquire);
    return bucket == nullptr ? nullptr : bucket + place.offset;
  }

  T& At(size_t index) {
    const Place place = PlaceOf(index);
    T* bucket = buckets_[place.bucket].load(std::memory_order_acquire);
    if (bucket == nullptr) bucket = MakeBucket(place.bucket);
    return bucket[place.offset];
  }

  // Elements that have room now; ids at or beyond it were never asked for.
  size_t capacity() const {
    size_t end = 0;
    for (size_t k = 0; k < kBuckets; ++k) {
      if (buckets_[k].load(std::memory_order_acquire) != nullptr)
        end = BucketStart(k) + BucketSize(k);
    }
    return end;
  }

 private:
  static constexpr size_t kBuckets = 33;
  struct Place {
    size_t bucket;
    size_t offset;
  };
  static constexpr size_t BucketSize(size_t bucket) {
    return bucket == 0 ? kFirst : kFirst << (bucket - 1);
  }
  static constexpr size_t BucketStart(size_t bucket) {
    return bucket == 0 ? 0 : kFirst << (bucket - 1);
  }
  static constexpr Place PlaceOf(size_t index) {
    const size_t bucket = static_cast<size_t>(std::bit_width(index / kFirst));
    return {bucket, index - BucketStart(bucket)};
  }
  T* MakeBucket(size_t bucket) {
    auto made = std::make_unique<T[]>(BucketSize(bucket));
    T* expected = nullptr;
    if (buckets_[bucket].compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
      return made.release();
    }
    return expected;
  }

  std::array<std::atomic<T*>, kBuckets> buckets_{};
};

}  // namespace varve::engine
