#include "tsm/page_cache.h"

namespace varve::tsm {
namespace {

constexpr size_t kProcessBytes = size_t{16} << 20;
// About what an entry takes besides its page.
constexpr size_t kEntryBytes = 128;

}  // namespace

PageCache& PageCache::OfProcess() {
  static PageCache& cache = *new PageCache(kProcessBytes);  // outlives every thread
  return cache;
}

size_t PageCache::BytesOf(const Page& page) { return page->capacity() + kEntryBytes; }

uint64_t PageCache::NewFile() {
  absl::MutexLock lock(&mu_);
  return files_++;
}

PageCache::Page PageCache::Find(uint64_t file, uint64_t offset) {
  absl::MutexLock lock(&mu_);
  const auto found = places_.find({file, offset});
  if (found == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->page;
}

void PageCache::Add(uint64_t file, uint64_t offset, Page page) {
  const size_t bytes = BytesOf(page);
  if (bytes > bytes_max_) return;
  const Key key{file, offset};
  absl::MutexLock lock(&mu_);
  if (places_.contains(key)) return;
  while (bytes_ + bytes > bytes_max_) {
    bytes_ -= BytesOf(entries_.back().page);
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, std::move(page)});
  places_[key] = entries_.begin();
  bytes_ += bytes;
}

size_t PageCache::bytes() const {
  absl::MutexLock lock(&mu_);
  return bytes_;
}

}  // namespace varve::tsm
