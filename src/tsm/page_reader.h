// Reads one page of the index.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsm/chunk_entry.h"
#include "tsm/file_format.h"
#include "tsm/page_cache.h"
#include "tsm/page_frame.h"

namespace varve::tsm {

// A page at a time: its layouts, and its series one after the other. Reusable; one thread at a
// time. Every error is DATA_LOSS with the page's offset in the file.
class PageReader {
 public:
  struct Layout {
    std::vector<LayoutColumn> columns;
    std::vector<uint8_t> selected;  // a flag per column
  };
  // A series: the bytes of its chunks' entries, and where their data begins.
  struct Entry {
    model::SeriesId series = 0;
    std::string_view bytes;
    uint64_t data_at = 0;
    uint64_t data_bytes = 0;
  };

  // Which fields Layout::selected marks; empty: all.
  void Select(std::span<const model::FieldId> fields);

  // Checks and unpacks the page at `ref`. `file` is the whole file and outlives what is read of the
  // page; the directory has been checked against it.
  absl::Status Load(std::string_view file, const PageRef& ref);
  // The same by way of `cache`, in which the file has the number `number`: what is found there was
  // checked before.
  absl::Status Load(std::string_view file, const PageRef& ref, PageCache& cache, uint64_t number);
  // Back to the first series of the page.
  void Rewind();
  // The next series; false at the end of the page.
  absl::StatusOr<bool> Next(Entry* entry);

  std::span<const Layout> layouts() const { return {layouts_.data(), layouts_used_}; }
  int64_t base_ns() const { return base_ns_; }
  uint64_t data_at() const { return data_at_; }
  uint64_t data_bytes() const { return data_bytes_; }
  uint64_t offset() const { return ref_.offset; }
  std::string_view body() const { return body_; }
  absl::Status Malformed() const;

 private:
  absl::Status Begin();
  bool ReadHead(base::ByteReader& in, uint64_t data_end);
  bool ReadLayout(base::ByteReader& in);
  void MarkSelected(Layout& layout) const;

  PageRef ref_;
  std::vector<model::FieldId> fields_;  // ascending
  PageUnpacker unpacker_;
  std::string_view body_;
  std::vector<Layout> layouts_;  // the first layouts_used_ are in use
  size_t layouts_used_ = 0;
  int64_t base_ns_ = 0;
  uint64_t data_at_ = 0;
  uint64_t data_bytes_ = 0;
  std::string_view entries_;

  // The walk.
  base::ByteReader in_{std::string_view()};
  uint64_t last_series_ = 0;
  bool first_ = true;
  uint64_t next_data_ = 0;
};

}  // namespace varve::tsm
