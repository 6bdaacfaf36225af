#include "tsm/page_builder.h"

#include <algorithm>

#include "base/check.h"
#include "tsm/file_format.h"
#include "tsm/scalar.h"

namespace varve::tsm {

bool PageBuilder::full() const { return entries_.size() + entry_.size() >= kPageBodyBytes; }

uint32_t PageBuilder::LayoutIndex(std::span<const LayoutColumn> columns) {
  // Neighbouring series mostly share the newest layout.
  for (size_t i = layouts_used_; i-- > 0;) {
    if (std::ranges::equal(layouts_[i], columns)) return static_cast<uint32_t>(i);
  }
  if (layouts_used_ == layouts_.size()) layouts_.emplace_back();
  layouts_[layouts_used_].assign(columns.begin(), columns.end());
  return static_cast<uint32_t>(layouts_used_++);
}

void PageBuilder::AddChunk(model::SeriesId series, ChunkHead head,
                           std::span<const LayoutColumn> columns, std::string_view records,
                           uint64_t data_at, uint64_t data_bytes) {
  if (!entry_.empty() && series != series_) EndSeries();
  if (entry_.empty()) {
    if (series_count_ == 0) {
      first_series_ = series;
      last_series_ = series;
      base_ns_ = head.range.min_ns;
      data_bytes_ = 0;
    }
    series_ = series;
    entry_data_bytes_ = 0;
    previous_end_ns_ = base_ns_;
  }
  if (data_bytes > 0) {
    if (data_bytes_ == 0) data_at_ = data_at;
    CHECK_EQ(data_at, data_at_ + data_bytes_) << "chunks of a page with a gap";
    data_bytes_ += data_bytes;
    entry_data_bytes_ += data_bytes;
  }
  head.layout = LayoutIndex(columns);
  PutChunkHead(head, previous_end_ns_, entry_);
  entry_.append(records);
  previous_end_ns_ = head.range.max_ns;
}

void PageBuilder::EndSeries() {
  base::PutVarint(entries_, series_ - last_series_);
  const bool has_data = entry_data_bytes_ > 0;
  base::PutVarint(entries_, uint64_t{entry_.size()} << 1 | (has_data ? 1 : 0));
  if (has_data) base::PutVarint(entries_, entry_data_bytes_);
  entries_.append(entry_);
  entry_.clear();
  last_series_ = series_;
  ++series_count_;
}

void PageBuilder::Finish(std::string& out) {
  if (!entry_.empty()) EndSeries();
  body_.clear();
  base::PutVarint(body_, first_series_);
  base::PutSignedVarint(body_, base_ns_);
  base::PutVarint(body_, data_bytes_ == 0 ? 0 : data_at_);
  base::PutVarint(body_, data_bytes_);
  base::PutVarint(body_, layouts_used_);
  for (size_t i = 0; i < layouts_used_; ++i) {
    base::PutVarint(body_, layouts_[i].size());
    model::FieldId previous = 0;
    for (const LayoutColumn& column : layouts_[i]) {
      base::PutVarint(body_, column.field - previous);
      body_.push_back(static_cast<char>(column.type));
      previous = column.field;
    }
  }
  body_.append(entries_);

  packer_.Pack(body_, out);

  layouts_used_ = 0;
  entries_.clear();
  series_count_ = 0;
}

}  // namespace varve::tsm
