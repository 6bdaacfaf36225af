// Memory for large arrays that are filled soon: in huge pages where the system has them.
//
// A fresh array of 100 MB in pages of 4 KiB is 25,000 page faults, which cost more than filling it.
#pragma once

#include <cstddef>

namespace varve::base {

// Room for `bytes`, not yet backed by memory where it is large. Aborts where address space ends.
void* AllocateHuge(size_t bytes);
// `bytes` as given to AllocateHuge().
void FreeHuge(void* room, size_t bytes);

// For std::vector. Small arrays come from the heap.
template <typename T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <typename Other>
  explicit HugePageAllocator(const HugePageAllocator<Other>&) {}
  T* allocate(size_t n) { return static_cast<T*>(AllocateHuge(n * sizeof(T))); }
  void deallocate(T* room, size_t n) { FreeHuge(room, n * sizeof(T)); }
  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) { return true; }
};

}  // namespace varve::base
