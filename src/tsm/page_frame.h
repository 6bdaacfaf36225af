// The frame of a page: bytes behind a checksum, compressed where that pays.
//
// Bytes: docs/format.md, "TSM file", "Pages". Index pages and rollup pages share it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tsm/page_cache.h"

namespace varve::tsm {

// Reusable; one thread at a time.
class PagePacker {
 public:
  PagePacker();
  ~PagePacker();
  PagePacker(const PagePacker&) = delete;
  PagePacker& operator=(const PagePacker&) = delete;

  // Appends the page of `body`.
  void Pack(std::string_view body, std::string& out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string compressed_;
};

// Reusable; one thread at a time.
class PageUnpacker {
 public:
  // Checks and unpacks `page`, whatever its bytes. `body` borrows it or this, until the next call.
  // DATA_LOSS names `kind` and `offset`, where the page lies in its file.
  absl::Status Unpack(std::string_view page, std::string_view kind, uint64_t offset,
                      std::string_view* body);
  // The same by way of `cache`, in which the page's file has the number `file`: what is found there
  // was checked before.
  absl::Status Unpack(std::string_view page, std::string_view kind, uint64_t offset,
                      PageCache& cache, uint64_t file, std::string_view* body);

 private:
  std::shared_ptr<std::string> buffer_;
  bool is_packed_ = false;  // the body of the last page is in buffer_
  PageCache::Page cached_;  // what `body` borrows, if a cache gave it
};

}  // namespace varve::tsm
