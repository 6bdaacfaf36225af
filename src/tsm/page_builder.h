// Builds one page of the index: the entries of some series in a row.
//
// Bytes: docs/format.md, "TSM file", "Pages".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/types.h"
#include "tsm/chunk_entry.h"
#include "tsm/page_frame.h"

namespace varve::tsm {

// Reusable; one thread at a time.
class PageBuilder {
 public:
  bool empty() const { return series_count_ == 0 && entry_.empty(); }
  // No further series should be begun.
  bool full() const;

  // Adds the next chunk of the series: greater than the series before, or the same.
  //   head        its layout is set here
  //   columns     the chunk's layout
  //   records     the column records, or the rows in the page
  //   data_at     where its bytes begin; those of a page's chunks lie one behind the other
  //   data_bytes  0 for rows in the page
  void AddChunk(model::SeriesId series, ChunkHead head, std::span<const LayoutColumn> columns,
                std::string_view records, uint64_t data_at, uint64_t data_bytes);

  model::SeriesId first_series() const { return first_series_; }
  // Appends the page, checksummed and compressed where that pays, and begins an empty one.
  void Finish(std::string& out);

 private:
  void EndSeries();
  uint32_t LayoutIndex(std::span<const LayoutColumn> columns);

  std::vector<std::vector<LayoutColumn>> layouts_;  // the first layouts_used_ are in use
  size_t layouts_used_ = 0;
  std::string entries_;
  size_t series_count_ = 0;
  model::SeriesId first_series_ = 0;
  model::SeriesId last_series_ = 0;  // of entries_
  int64_t base_ns_ = 0;
  uint64_t data_at_ = 0;
  uint64_t data_bytes_ = 0;

  // The series being added.
  std::string entry_;
  model::SeriesId series_ = 0;
  uint64_t entry_data_bytes_ = 0;
  int64_t previous_end_ns_ = 0;

  std::string body_;
  PagePacker packer_;
};

}  // namespace varve::tsm
