#include "base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "base/check.h"

namespace varve::base {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// Below, the last page would be mostly waste.
constexpr size_t kHugeBytesMin = 4 * kHugePage;

size_t RoundUp(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

}  // namespace

void* AllocateHuge(size_t bytes) {
  if (bytes < kHugeBytesMin) return ::operator new(bytes);
  const size_t size = RoundUp(bytes);
  // One page more, for the alignment; what is not needed goes back.
  void* const mapped = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(mapped != MAP_FAILED) << "no address space: bytes=" << size;
  char* const begin = static_cast<char*>(mapped);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin)) - reinterpret_cast<uintptr_t>(begin);
  char* const room = begin + before;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(room + size, kHugePage - before);
  madvise(room, size, MADV_HUGEPAGE);  // where there are none it is as good without
  return room;
}

void FreeHuge(void* room, size_t bytes) {
  if (bytes < kHugeBytesMin) {
    ::operator delete(room);
  } else {
    CHECK_EQ(munmap(room, RoundUp(bytes)), 0);
  }
}

}  // namespace varve::base
