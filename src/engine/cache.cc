#include "engine/cache.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"
#include "base/checksum.h"
#include "model/value_word.h"

namespace varve::engine {
namespace {

constexpr uint32_t kFirstSlabRows = 2;
constexpr uint32_t kLargestSlabRows = model::kBatchRows;

bool FieldOrder(const model::LayoutField& a, const model::LayoutField& b) {
  return a.field != b.field ? a.field < b.field : a.type < b.type;
}

uint64_t HashOf(std::span<const model::LayoutField> fields) {
  uint64_t hash = fields.size();
  for (const auto& field : fields) {
    hash = (hash ^ (uint64_t{field.field} << 3 | static_cast<uint64_t>(field.type))) *
           0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

std::vector<uint32_t> ColumnsOf(std::span<const model::LayoutField> fields,
                                const CacheLayout& layout) {
  std::vector<uint32_t> columns;
  columns.reserve(fields.size());
  for (const auto& field : fields) {
    const auto at = std::lower_bound(layout.fields.begin(), layout.fields.end(), field, FieldOrder);
    columns.push_back(static_cast<uint32_t>(at - layout.fields.begin()));
  }
  return columns;
}

void SetBit(uint64_t* words, uint32_t at, bool value) {
  std::atomic_ref<uint64_t> word(words[at / 64]);
  const uint64_t bit = uint64_t{1} << (at % 64);
  const uint64_t old = word.load(std::memory_order_relaxed);
  word.store(value ? old | bit : old & ~bit, std::memory_order_relaxed);
}

}  // namespace

const CacheLayout* Cache::InternLayout(std::vector<model::LayoutField> fields) {
  for (const auto& layout : layouts_) {
    if (layout->fields == fields) return layout.get();
  }
  layouts_.push_back(std::make_unique<CacheLayout>(CacheLayout{std::move(fields)}));
  return layouts_.back().get();
}

const RowLayout* Cache::LayoutOf(std::span<const model::LayoutField> fields, bool* is_new) {
  *is_new = false;
  auto& candidates = row_layouts_by_hash_[HashOf(fields)];
  for (const RowLayout* candidate : candidates) {
    if (candidate->columns.size() != fields.size()) continue;
    bool same = true;
    for (size_t i = 0; same && i < fields.size(); ++i) {
      same = candidate->layout->fields[candidate->columns[i]] == fields[i];
    }
    if (same) return candidate;
  }
  std::vector<model::LayoutField> sorted(fields.begin(), fields.end());
  std::sort(sorted.begin(), sorted.end(), FieldOrder);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  auto made = std::make_unique<RowLayout>();
  made->layout = InternLayout(std::move(sorted));
  made->columns = ColumnsOf(fields, *made->layout);
  candidates.push_back(made.get());
  row_layouts_.push_back(std::move(made));
  *is_new = true;
  return candidates.back();
}

const Cache::Mapping& Cache::MappingOf(const CacheLayout* slab, const RowLayout* row) {
  Mapping& mapping = mappings_[{slab, row}];
  if (mapping.target == nullptr) {
    std::vector<model::LayoutField> fields;
    std::set_union(slab->fields.begin(), slab->fields.end(), row->layout->fields.begin(),
                   row->layout->fields.end(), std::back_inserter(fields), FieldOrder);
    mapping.target = InternLayout(std::move(fields));
    for (uint32_t column : row->columns) {
      const auto at = std::lower_bound(mapping.target->fields.begin(), mapping.target->fields.end(),
                                       row->layout->fields[column], FieldOrder);
      mapping.columns.push_back(static_cast<uint32_t>(at - mapping.target->fields.begin()));
    }
  }
  return mapping;
}

const CacheSeries* Cache::Find(model::SeriesId series) const {
  const auto* holder = pages_.Find(series / kPageSeries);
  const Page* page = holder == nullptr ? nullptr : holder->load(std::memory_order_acquire);
  return page == nullptr ? nullptr
                         : page->series[series % kPageSeries].load(std::memory_order_acquire);
}

CacheSeries* Cache::FindOrAdd(model::SeriesId series, bool* is_new) {
  std::atomic<Page*>& holder = pages_.At(series / kPageSeries);
  Page* page = holder.load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new (arena_.Allocate(sizeof(Page))) Page{};
    holder.store(page, std::memory_order_release);
  }
  std::atomic<CacheSeries*>& slot = page->series[series % kPageSeries];
  CacheSeries* found = slot.load(std::memory_order_relaxed);
  *is_new = found == nullptr;
  if (found == nullptr) {
    found = new (arena_.Allocate(sizeof(CacheSeries))) CacheSeries{};
    slot.store(found, std::memory_order_release);
    series_.fetch_add(1, std::memory_order_relaxed);
  }
  return found;
}

CacheSlab* Cache::NewSlab(const CacheSlab* previous, const CacheLayout* layout, uint32_t rows) {
  const uint32_t capacity = std::clamp(rows, kFirstSlabRows, kLargestSlabRows);
  const size_t bytes = sizeof(CacheSlab) + size_t{capacity} * 8 * (1 + layout->fields.size());
  CacheSlab* slab = new (arena_.Allocate(bytes)) CacheSlab;
  slab->previous = previous;
  slab->layout = layout;
  slab->validity.store(nullptr, std::memory_order_relaxed);
  slab->first_row = rows;
  slab->capacity = capacity;
  return slab;
}

uint64_t Cache::WordOf(const model::FieldValue& value) {
  if (value.type() != model::FieldType::kString) return model::WordOfValue(value);
  const std::string_view text = value.as_string();
  char* piece = arena_.Allocate(sizeof(CacheString) + text.size());
  new (piece) CacheString{text.size()};
  if (!text.empty()) std::memcpy(piece + sizeof(CacheString), text.data(), text.size());
  return reinterpret_cast<uint64_t>(piece);
}

void Cache::MarkNulls(CacheSlab* slab, uint32_t at, std::span<const uint32_t> columns,
                      std::span<const model::FieldValue> values) {
  const size_t stride = slab->validity_words();
  const size_t count = slab->layout->fields.size();
  uint64_t* words = slab->validity.load(std::memory_order_relaxed);
  if (words == nullptr) {
    words = reinterpret_cast<uint64_t*>(arena_.Allocate(stride * count * 8));
    std::memset(words, 0xff, stride * count * 8);
    slab->validity.store(words, std::memory_order_release);
  }
  for (size_t column = 0; column < count; ++column) SetBit(words + column * stride, at, false);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_null()) SetBit(words + columns[i] * stride, at, true);
  }
}

bool Cache::Append(model::SeriesId series_id, const RowLayout* layout, int64_t time_ns,
                   std::span<const model::FieldValue> values) {
  bool is_new;
  CacheSeries* series = FindOrAdd(series_id, &is_new);
  const uint32_t rows = series->rows.load(std::memory_order_relaxed);
  if (view_epoch_ != 0 && series->epoch <= view_epoch_ && epoch_ > view_epoch_) {
    auto* history = new (arena_.Allocate(sizeof(CacheHistory)))
        CacheHistory{series->history.load(std::memory_order_relaxed), view_epoch_, rows};
    series->history.store(history, std::memory_order_release);
  }
  series->epoch = epoch_;

  auto* slab = const_cast<CacheSlab*>(series->tail.load(std::memory_order_relaxed));
  const CacheLayout* target = layout->layout;
  const uint32_t* columns = layout->columns.data();
  if (slab != nullptr && slab->layout != target) {
    const Mapping& mapping = MappingOf(slab->layout, layout);
    target = mapping.target;
    columns = mapping.columns.data();
  }
  if (slab == nullptr || slab->layout != target || rows - slab->first_row == slab->capacity) {
    slab = NewSlab(slab, target, rows);
    series->tail.store(slab, std::memory_order_release);
  }

  const uint32_t at = rows - slab->first_row;
  slab->times()[at] = time_ns;
  uint64_t* words = slab->words(0);
  const size_t capacity = slab->capacity;
  bool has_null = target->fields.size() != values.size();
  for (size_t i = 0; i < values.size(); ++i) {
    has_null |= values[i].is_null();
    words[columns[i] * capacity + at] = WordOf(values[i]);
  }
  if (has_null) MarkNulls(slab, at, {columns, values.size()}, values);

  if (series->sorted.load(std::memory_order_relaxed) == rows &&
      (rows == 0 || time_ns > series->last_time)) {
    series->last_time = time_ns;
    series->sorted.store(rows + 1, std::memory_order_relaxed);
  }
  series->rows.store(rows + 1, std::memory_order_release);
  rows_.store(rows_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return is_new;
}

uint32_t Cache::VisibleRows(const CacheSeries& series, CacheEpoch epoch) {
  // Rows first: a count that includes later records implies that their history is visible too.
  uint32_t rows = series.rows.load(std::memory_order_acquire);
  for (const CacheHistory* at = series.history.load(std::memory_order_acquire);
       at != nullptr && at->epoch >= epoch; at = at->previous) {
    rows = at->rows;
  }
  return rows;
}

}  // namespace varve::engine
