#include "tsm/page_reader.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::tsm {
namespace {

constexpr std::string_view kPageKind = "tsm index page";

}  // namespace

void PageReader::Select(std::span<const model::FieldId> fields) {
  fields_.assign(fields.begin(), fields.end());
  std::ranges::sort(fields_);
  for (size_t i = 0; i < layouts_used_; ++i) MarkSelected(layouts_[i]);
}

void PageReader::MarkSelected(Layout& layout) const {
  layout.selected.clear();
  for (const LayoutColumn& column : layout.columns) {
    const bool wanted = fields_.empty() || std::ranges::binary_search(fields_, column.field);
    layout.selected.push_back(wanted ? 1 : 0);
  }
}

absl::Status PageReader::Malformed() const {
  return base::DataLoss("malformed ", kPageKind, ": offset=", ref_.offset);
}

bool PageReader::ReadLayout(base::ByteReader& in) {
  uint64_t count;
  if (!in.GetVarint(&count) || count == 0 || count > in.remaining()) return false;
  if (layouts_used_ == layouts_.size()) layouts_.emplace_back();
  Layout& layout = layouts_[layouts_used_++];
  layout.columns.clear();
  uint64_t field = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t step;
    uint8_t type;
    if (!in.GetVarint(&step) || !in.GetFixed(&type) || (i > 0 && step == 0) ||
        step > model::kNoId || field + step > model::kNoId || type == 0 ||
        type > static_cast<uint8_t>(model::FieldType::kString)) {
      return false;
    }
    field += step;
    layout.columns.push_back(
        {static_cast<model::FieldId>(field), static_cast<model::FieldType>(type)});
  }
  MarkSelected(layout);
  return true;
}

bool PageReader::ReadHead(base::ByteReader& in, uint64_t data_end) {
  model::SeriesId first;
  uint64_t layouts;
  if (!in.GetVarintAs(&first) || !in.GetSignedVarint(&base_ns_) || !in.GetVarint(&data_at_) ||
      !in.GetVarint(&data_bytes_) || !in.GetVarint(&layouts) || layouts > in.remaining() ||
      first != ref_.first_series) {
    return false;
  }
  if (data_at_ > data_end || data_bytes_ > data_end - data_at_) return false;
  layouts_used_ = 0;
  for (uint64_t i = 0; i < layouts; ++i) {
    if (!ReadLayout(in)) return false;
  }
  return true;
}

absl::Status PageReader::Load(std::string_view file, const PageRef& ref) {
  ref_ = ref;
  entries_ = {};
  RETURN_IF_ERROR(
      unpacker_.Unpack(file.substr(ref.offset, ref.bytes), kPageKind, ref.offset, &body_));
  return Begin();
}

absl::Status PageReader::Load(std::string_view file, const PageRef& ref, PageCache& cache,
                              uint64_t number) {
  ref_ = ref;
  entries_ = {};
  RETURN_IF_ERROR(unpacker_.Unpack(file.substr(ref.offset, ref.bytes), kPageKind, ref.offset, cache,
                                   number, &body_));
  return Begin();
}

absl::Status PageReader::Begin() {
  base::ByteReader in(body_);
  // The data of a page lies before it.
  if (!ReadHead(in, ref_.offset)) return Malformed();
  entries_ = body_.substr(in.offset());
  Rewind();
  return absl::OkStatus();
}

void PageReader::Rewind() {
  in_ = base::ByteReader(entries_);
  last_series_ = ref_.first_series;
  first_ = true;
  next_data_ = data_at_;
}

absl::StatusOr<bool> PageReader::Next(Entry* entry) {
  if (in_.remaining() == 0) {
    if (in_.failed() || first_) return Malformed();
    return false;
  }
  uint64_t step;
  uint64_t tag;
  entry->data_bytes = 0;
  if (!in_.GetVarint(&step) || !in_.GetVarint(&tag) ||
      ((tag & 1) != 0 && !in_.GetVarint(&entry->data_bytes)) || (tag >> 1) > in_.remaining() ||
      !in_.GetBytes(tag >> 1, &entry->bytes) || first_ != (step == 0) || step > model::kNoId ||
      last_series_ + step >= model::kNoId ||
      entry->data_bytes > data_bytes_ - (next_data_ - data_at_) || entry->bytes.empty()) {
    return Malformed();
  }
  first_ = false;
  last_series_ += step;
  entry->series = static_cast<model::SeriesId>(last_series_);
  entry->data_at = next_data_;
  next_data_ += entry->data_bytes;
  return true;
}

}  // namespace varve::tsm
