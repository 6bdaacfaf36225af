#include "tsm/page_builder.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "tsm/file_format.h"
#include "tsm/scalar.h"

namespace varve::tsm {
namespace {

constexpr int kZstdLevel = 3;
// A page is compressed when that saves an eighth: less is not worth the time of every reader.
constexpr size_t kWorthwhile = 8;

}  // namespace

struct PageBuilder::Compressor {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), &ZSTD_freeCCtx};
};

PageBuilder::PageBuilder() : compressor_(new Compressor) {}
PageBuilder::~PageBuilder() { delete compressor_; }

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

  const size_t start = out.size();
  base::PutFixed<uint32_t>(out, 0);
  compressed_.resize(ZSTD_compressBound(body_.size()));
  const size_t n = ZSTD_compressCCtx(compressor_->context.get(), compressed_.data(),
                                     compressed_.size(), body_.data(), body_.size(), kZstdLevel);
  if (ZSTD_isError(n) == 0 && n + body_.size() / kWorthwhile < body_.size()) {
    out.push_back(static_cast<char>(kPageZstd));
    base::PutVarint(out, body_.size());
    out.append(compressed_.data(), n);
  } else {
    out.push_back(0);
    out.append(body_);
  }
  const uint32_t checksum = ShortChecksum(std::string_view(out).substr(start + 4));
  std::memcpy(out.data() + start, &checksum, sizeof(checksum));

  layouts_used_ = 0;
  entries_.clear();
  series_count_ = 0;
}

}  // namespace varve::tsm
