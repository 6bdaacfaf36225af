// The value of a rank among values that need not be sorted for it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "query/functions/kept_values.h"

namespace varve::query {

// Finds values of ranks in windows; keeps its room from one to the next. One thread at a time.
//
// Source: Floyd and Rivest, "Expected time bounds for selection", 1975: a sample tells between
// which two values it lies almost certainly, and only those between them are looked at again.
template <typename T>
class RankFinder {
 public:
  // The value of rank `rank`, from 0 on, of a window that has more values than that.
  T Find(const KeptValues<T>& values, size_t window, size_t rank) {
    const size_t n = values.size(window);
    if (room_.size() < n) room_.resize(n);
    if (n >= kSampledMin) {
      const Bounds bounds = FindBounds(values, window, rank);
      size_t below = 0;
      const size_t within = KeepWithin(values, window, bounds, &below);
      if (rank >= below && rank - below < within) return Select(within, rank - below);
    }
    size_t at = 0;
    values.ForEachPiece(window, [&](std::span<const T> piece) {
      std::copy(piece.begin(), piece.end(), room_.begin() + static_cast<ptrdiff_t>(at));
      at += piece.size();
    });
    return Select(n, rank);
  }

 private:
  static constexpr size_t kSample = 128;
  static constexpr size_t kSampledMin = 4 * kSample;
  struct Bounds {
    T low = std::numeric_limits<T>::lowest();
    T high = std::numeric_limits<T>::max();
    bool has_high = false;
  };

  // Bounds between which the rank lies almost certainly: two and a half deviations of a rank in the
  // sample to either side.
  static Bounds FindBounds(const KeptValues<T>& values, size_t window, size_t rank) {
    const size_t n = values.size(window);
    std::array<T, kSample> sample;
    size_t taken = 0;
    size_t passed = 0;  // values before the piece
    values.ForEachPiece(window, [&](std::span<const T> piece) {
      for (; taken < kSample && taken * n / kSample < passed + piece.size(); ++taken) {
        sample[taken] = piece[taken * n / kSample - passed];
      }
      passed += piece.size();
    });
    const size_t place = rank * kSample / n;
    const auto share = static_cast<double>(place) / kSample;
    const auto margin = 2 + static_cast<size_t>(2.5 * std::sqrt(share * (1 - share) * kSample));
    Bounds bounds;
    auto begin = sample.begin();
    if (place >= margin) {
      const auto at = begin + static_cast<ptrdiff_t>(place - margin);
      std::nth_element(begin, at, sample.end());
      bounds.low = *at;
      begin = at;
    }
    if (place + margin < kSample) {
      const auto at = sample.begin() + static_cast<ptrdiff_t>(place + margin);
      std::nth_element(begin, at, sample.end());
      bounds.high = *at;
      bounds.has_high = true;
    }
    return bounds;
  }

  // Copies the values within the bounds to the front of the room and returns how many; `below`
  // receives how many lie below them.
  size_t KeepWithin(const KeptValues<T>& values, size_t window, const Bounds& bounds,
                    size_t* below) {
    if (!bounds.has_high) {
      const size_t within =
          Keep(values, window, [low = bounds.low](T value) { return value >= low; });
      *below = values.size(window) - within;
      return within;
    }
    size_t under = 0;
    const size_t within = Keep(values, window, [&bounds, &under](T value) {
      under += value < bounds.low ? 1 : 0;
      return (value >= bounds.low) & (value <= bounds.high);
    });
    *below = under;
    return within;
  }
  // Copies the values for which `wanted` holds, without a branch.
  template <typename Wanted>
  size_t Keep(const KeptValues<T>& values, size_t window, Wanted wanted) {
    T* const room = room_.data();
    size_t kept = 0;
    // What is kept lies before the value that is looked at, so the room is large enough.
    values.ForEachPiece(window, [&](std::span<const T> piece) {
      for (const T value : piece) {
        room[kept] = value;
        kept += wanted(value) ? 1 : 0;
      }
    });
    return kept;
  }

  T Select(size_t n, size_t rank) {
    const auto at = room_.begin() + static_cast<ptrdiff_t>(rank);
    std::nth_element(room_.begin(), at, room_.begin() + static_cast<ptrdiff_t>(n));
    return *at;
  }

  std::vector<T> room_;
};

}  // namespace varve::query
