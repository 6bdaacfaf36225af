// Sorts as Go's sort.Sort does, to the last step.
//
// Where the order of equal elements shows in an answer of InfluxDB's (which of two points with one
// value a percentile is, which of two values of one frequency is the mode), it is that which the
// steps of Go's unstable sort leave them in. Source: Orson Peters, "Pattern-defeating Quicksort",
// 2021, with what Go 1.19 chose for it: insertion below 13 elements, the median of three below 50
// and the ninther from there on, heap sort after too many bad pivots, and a shuffle by Marsaglia's
// xorshift (13, 17, 5) seeded with the length.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace varve::query {

template <typename T, typename Less>
class GoSorter {
 public:
  GoSorter(std::span<T> items, Less less) : items_(items), less_(std::move(less)) {}

  void Sort() {
    if (items_.size() < 2) return;
    Quick(0, Size(), std::bit_width(items_.size()));
  }

 private:
  using Index = std::ptrdiff_t;
  static constexpr Index kInsertionMax = 12;
  static constexpr Index kNintherMin = 50;
  enum class Hint { kUnknown, kIncreasing, kDecreasing };

  Index Size() const { return static_cast<Index>(items_.size()); }
  T& At(Index i) { return items_[static_cast<size_t>(i)]; }
  bool Before(Index a, Index b) { return less_(At(a), At(b)); }
  void Swap(Index a, Index b) { std::swap(At(a), At(b)); }

  void Quick(Index begin, Index end, int bad_pivots_left) {
    bool balanced = true;
    bool partitioned = true;
    while (true) {
      const Index length = end - begin;
      if (length <= kInsertionMax) return Insertion(begin, end);
      if (bad_pivots_left == 0) return Heap(begin, end);
      if (!balanced) {
        Shuffle(begin, end);
        --bad_pivots_left;
      }
      auto [pivot, hint] = ChoosePivot(begin, end);
      if (hint == Hint::kDecreasing) {
        for (Index i = begin, j = end - 1; i < j; ++i, --j) Swap(i, j);
        pivot = end - 1 - (pivot - begin);
        hint = Hint::kIncreasing;
      }
      if (balanced && partitioned && hint == Hint::kIncreasing && FixFew(begin, end)) return;
      // What stands in front is not greater than anything here; a pivot equal to it is the least.
      if (begin > 0 && !Before(begin - 1, pivot)) {
        begin = PartitionEqual(begin, end, pivot);
        continue;
      }
      const Index middle = Partition(begin, end, pivot, &partitioned);
      const Index left = middle - begin;
      const Index right = end - middle;
      const Index least = length / 8;
      if (left < right) {
        balanced = left >= least;
        Quick(begin, middle, bad_pivots_left);
        begin = middle + 1;
      } else {
        balanced = right >= least;
        Quick(middle + 1, end, bad_pivots_left);
        end = middle;
      }
    }
  }

  void Insertion(Index begin, Index end) {
    for (Index i = begin + 1; i < end; ++i) {
      for (Index j = i; j > begin && Before(j, j - 1); --j) Swap(j, j - 1);
    }
  }

  void Heap(Index begin, Index end) {
    const Index length = end - begin;
    for (Index i = (length - 1) / 2; i >= 0; --i) SiftDown(begin, i, length);
    for (Index i = length - 1; i >= 0; --i) {
      Swap(begin, begin + i);
      SiftDown(begin, 0, i);
    }
  }
  void SiftDown(Index base, Index root, Index length) {
    while (true) {
      Index child = 2 * root + 1;
      if (child >= length) return;
      if (child + 1 < length && Before(base + child, base + child + 1)) ++child;
      if (!Before(base + root, base + child)) return;
      Swap(base + root, base + child);
      root = child;
    }
  }

  // Puts what is less than the pivot in front of it; returns where the pivot stands then.
  Index Partition(Index begin, Index end, Index pivot, bool* already) {
    Swap(begin, pivot);
    Index i = begin + 1;
    Index j = end - 1;
    *already = true;
    while (true) {
      while (i <= j && Before(i, begin)) ++i;
      while (i <= j && !Before(j, begin)) --j;
      if (i > j) break;
      *already = false;
      Swap(i++, j--);
    }
    Swap(j, begin);
    return j;
  }
  // Nothing is less than the pivot: puts what equals it in front of what is greater.
  Index PartitionEqual(Index begin, Index end, Index pivot) {
    Swap(begin, pivot);
    Index i = begin + 1;
    Index j = end - 1;
    while (true) {
      while (i <= j && !Before(begin, i)) ++i;
      while (i <= j && Before(begin, j)) --j;
      if (i > j) return i;
      Swap(i++, j--);
    }
  }

  // Mends up to five pairs that are out of order; true when everything is in order then.
  bool FixFew(Index begin, Index end) {
    Index i = begin + 1;
    for (int step = 0; step < 5; ++step) {
      while (i < end && !Before(i, i - 1)) ++i;
      if (i == end) return true;
      if (end - begin < kNintherMin) return false;
      Swap(i, i - 1);
      if (i - begin >= 2) {
        for (Index j = i - 1; j >= 1 && Before(j, j - 1); --j) Swap(j, j - 1);
      }
      if (end - i >= 2) {
        for (Index j = i + 1; j < end && Before(j, j - 1); ++j) Swap(j, j - 1);
      }
    }
    return false;
  }

  void Shuffle(Index begin, Index end) {
    const Index length = end - begin;
    if (length < 8) return;
    auto state = static_cast<uint64_t>(length);
    const uint64_t mask = (uint64_t{1} << std::bit_width(state)) - 1;
    const Index middle = begin + length / 4 * 2;
    for (Index i = middle - 1; i <= middle + 1; ++i) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      auto other = static_cast<Index>(state & mask);
      if (other >= length) other -= length;
      Swap(i, begin + other);
    }
  }

  std::pair<Index, Hint> ChoosePivot(Index begin, Index end) {
    constexpr int kSwapsMax = 4 * 3;
    const Index length = end - begin;
    int swaps = 0;
    Index a = begin + length / 4;
    Index b = begin + length / 4 * 2;
    Index c = begin + length / 4 * 3;
    if (length >= kNintherMin) {
      a = Median(a - 1, a, a + 1, &swaps);
      b = Median(b - 1, b, b + 1, &swaps);
      c = Median(c - 1, c, c + 1, &swaps);
    }
    b = Median(a, b, c, &swaps);
    if (swaps == 0) return {b, Hint::kIncreasing};
    return {b, swaps == kSwapsMax ? Hint::kDecreasing : Hint::kUnknown};
  }
  Index Median(Index a, Index b, Index c, int* swaps) {
    const auto order = [&](Index& x, Index& y) {
      if (!Before(y, x)) return;
      ++*swaps;
      std::swap(x, y);
    };
    order(a, b);
    order(b, c);
    order(a, b);
    return b;
  }

  std::span<T> items_;
  Less less_;
};

template <typename T, typename Less>
void GoSort(std::span<T> items, Less less) {
  GoSorter<T, Less>(items, std::move(less)).Sort();
}

}  // namespace varve::query
