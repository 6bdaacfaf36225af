// An array indexed by ids of which long ranges may be unused.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "engine/growing_array.h"

namespace varve::engine {

// Pages of kPage elements, made when one of theirs is first asked for, behind a directory of 8
// bytes a page. Elements are value-initialised and do not move.
//
// Thread safety: any thread may call any method but DropPage(); two elements never share more than
// T does, so T is an atomic where several threads touch one.
template <typename T, size_t kPage>
class SparseArray {
 public:
  SparseArray() = default;
  ~SparseArray() {
    for (size_t page = 0; page < pages_.capacity(); ++page) DropPage(page);
  }
  SparseArray(const SparseArray&) = delete;
  SparseArray& operator=(const SparseArray&) = delete;

  // Null when no element near `index` was asked for with At() yet.
  T* Find(size_t index) const {
    T* page = FindPage(index / kPage);
    return page == nullptr ? nullptr : page + index % kPage;
  }

  T& At(size_t index) {
    std::atomic<T*>& holder = pages_.At(index / kPage);
    T* page = holder.load(std::memory_order_acquire);
    if (page == nullptr) page = MakePage(holder);
    return page[index % kPage];
  }

  // Pages that exist have numbers below it.
  size_t page_count() const { return pages_.capacity(); }
  // The elements from page * kPage on; null when none of them was asked for yet.
  T* FindPage(size_t page) const {
    const std::atomic<T*>* holder = pages_.Find(page);
    return holder == nullptr ? nullptr : holder->load(std::memory_order_acquire);
  }
  // Gives back a page of which nobody holds or seeks an element.
  void DropPage(size_t page) {
    if (std::atomic<T*>* holder = pages_.Find(page)) delete[] holder->exchange(nullptr);
  }

 private:
  static T* MakePage(std::atomic<T*>& holder) {
    auto made = std::make_unique<T[]>(kPage);
    T* expected = nullptr;
    if (holder.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
      return made.release();
    }
    return expected;
  }

  GrowingArray<std::atomic<T*>> pages_;
};

}  // namespace varve::engine
