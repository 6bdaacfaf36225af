// Pages of index and rollup files that were unpacked lately: a query of few rows is mostly their
// unpacking otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace varve::tsm {

// Bounded by bytes; what was used longest ago goes first.
//
// Thread safety: every method may be called from any thread.
class PageCache {
 public:
  using Page = std::shared_ptr<const std::string>;

  explicit PageCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // A number that no other file of this cache has, for its pages to be found under.
  uint64_t NewFile() ABSL_LOCKS_EXCLUDED(mu_);
  // Null when it is not here.
  Page Find(uint64_t file, uint64_t offset) ABSL_LOCKS_EXCLUDED(mu_);
  // Keeps a page, unless it is larger than all.
  void Add(uint64_t file, uint64_t offset, Page page) ABSL_LOCKS_EXCLUDED(mu_);
  // Of the pages and what it takes to find them.
  size_t bytes() const ABSL_LOCKS_EXCLUDED(mu_);

  // The cache of all files of the process, of 16 MiB.
  static PageCache& OfProcess();

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // file, offset
  struct Entry {
    Key key;
    Page page;
  };
  static size_t BytesOf(const Page& page);

  const size_t bytes_max_;
  mutable absl::Mutex mu_;
  uint64_t files_ ABSL_GUARDED_BY(mu_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mu_);  // the latest used first
  absl::flat_hash_map<Key, std::list<Entry>::iterator> places_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::tsm
