#include "engine/cache_rows.h"

#include <algorithm>

#include "model/value_word.h"

namespace varve::engine {
namespace {

using model::ColumnVector;
using model::FieldType;
using model::FieldValue;

constexpr uint32_t kPieceRows = model::kBatchRows;

uint64_t LoadWord(const uint64_t* word) {
  return std::atomic_ref<uint64_t>(*const_cast<uint64_t*>(word)).load(std::memory_order_relaxed);
}

bool HasValue(const CacheSlab& slab, size_t column, uint32_t at) {
  const uint64_t* words = slab.validity.load(std::memory_order_acquire);
  if (words == nullptr) return true;
  return (LoadWord(words + column * slab.validity_words() + at / 64) >> (at % 64) & 1) != 0;
}

std::string_view TextOf(uint64_t word) {
  return reinterpret_cast<const CacheString*>(word)->text();
}

FieldValue ValueOf(FieldType type, uint64_t word) {
  return type == FieldType::kString ? FieldValue::String(TextOf(word))
                                    : model::ValueOfWord(type, word);
}

ColumnSpan FindColumns(const CacheLayout& layout, model::FieldId field) {
  const auto range = std::equal_range(
      layout.fields.begin(), layout.fields.end(), model::LayoutField{field, FieldType::kNone},
      [](const auto& a, const auto& b) { return a.field < b.field; });
  return {static_cast<size_t>(range.first - layout.fields.begin()),
          static_cast<size_t>(range.second - range.first)};
}

// Copies the validity of the first `rows` rows; leaves the column without one when all are there.
void CopyValidity(const CacheSlab& slab, size_t column, uint32_t rows, WorkColumn* work,
                  const uint64_t** validity) {
  *validity = nullptr;
  const uint64_t* words = slab.validity.load(std::memory_order_acquire);
  if (words == nullptr) return;
  words += column * slab.validity_words();
  uint64_t* copy = work->PrepareValidity(rows);
  bool complete = true;
  for (uint32_t i = 0; i * 64 < rows; ++i) {
    copy[i] = LoadWord(words + i);
    const uint32_t left = rows - i * 64;
    const uint64_t mask = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    complete &= (copy[i] & mask) == mask;
  }
  if (!complete) *validity = copy;
}

}  // namespace

bool CacheRows::Open(const CacheSeries& series, CacheEpoch epoch) {
  slabs_.clear();
  pieces_.clear();
  const uint32_t rows = Cache::VisibleRows(series, epoch);
  if (rows == 0) return false;
  in_order_ = series.sorted.load(std::memory_order_relaxed) >= rows;
  uint32_t end = 0;
  for (const CacheSlab* slab = series.tail.load(std::memory_order_acquire); slab != nullptr;
       slab = slab->previous) {
    if (slab->first_row < rows) {
      const uint32_t slab_end = end == 0 ? rows : end;
      slabs_.push_back({slab, std::min(slab_end, rows) - slab->first_row});
    }
    end = slab->first_row;
  }
  std::reverse(slabs_.begin(), slabs_.end());
  if (!in_order_) {
    SortRows();
    return true;
  }
  for (uint32_t i = 0; i < slabs_.size(); ++i) {
    const int64_t* times = slabs_[i].slab->times();
    pieces_.push_back({{times[0], times[slabs_[i].rows - 1]}, i, slabs_[i].rows});
  }
  return true;
}

void CacheRows::SortRows() {
  arrivals_.clear();
  for (uint32_t slab = 0; slab < slabs_.size(); ++slab) {
    const int64_t* times = slabs_[slab].slab->times();
    for (uint32_t i = 0; i < slabs_[slab].rows; ++i) arrivals_.push_back({times[i], slab, i});
  }
  std::stable_sort(arrivals_.begin(), arrivals_.end(),
                   [](const Arrival& a, const Arrival& b) { return a.time < b.time; });
  uint32_t first = 0;
  const auto count = static_cast<uint32_t>(arrivals_.size());
  while (first < count) {
    uint32_t end = std::min(first + kPieceRows, count);
    while (end < count && arrivals_[end].time == arrivals_[end - 1].time) ++end;
    pieces_.push_back({{arrivals_[first].time, arrivals_[end - 1].time}, first, end - first});
    first = end;
  }
}

void CacheRows::Fields(std::vector<FieldRequest>* fields) const {
  fields->clear();
  const CacheLayout* seen = nullptr;
  for (const Slab& slab : slabs_) {
    if (slab.slab->layout == seen) continue;
    seen = slab.slab->layout;
    for (const auto& field : seen->fields) {
      const auto at =
          std::lower_bound(fields->begin(), fields->end(), field.field,
                           [](const FieldRequest& a, model::FieldId id) { return a.field < id; });
      if (at == fields->end() || at->field != field.field) {
        fields->insert(at, {field.field, field.type});
      }
    }
  }
}

void CacheRows::Load(size_t piece, std::span<const FieldRequest> fields, CacheColumns* storage,
                     model::ColumnBatch* out) const {
  storage->work.resize(std::max(storage->work.size(), fields.size()));
  storage->buffers.resize(std::max(storage->buffers.size(), fields.size()));
  out->columns.resize(fields.size());
  if (in_order_) {
    LoadSlab(slabs_[pieces_[piece].first], fields, storage, out);
  } else {
    LoadSorted(pieces_[piece], fields, storage, out);
  }
}

void CacheRows::LoadSlab(const Slab& slab, std::span<const FieldRequest> fields,
                         CacheColumns* storage, model::ColumnBatch* out) const {
  const uint32_t rows = slab.rows;
  out->rows = rows;
  out->times = slab.slab->times();
  for (size_t i = 0; i < fields.size(); ++i) {
    ColumnVector& column = out->columns[i];
    column = ColumnVector{};
    const ColumnSpan found = FindColumns(*slab.slab->layout, fields[i].field);
    if (found.count == 0) continue;
    if (found.count > 1) {
      model::ColumnBuffer& buffer = storage->buffers[i];
      buffer.Reset(fields[i].type);
      for (uint32_t row = 0; row < rows; ++row) {
        buffer.Append(ValueAt(*slab.slab, found, row, fields[i].type));
      }
      column = buffer.View();
      continue;
    }
    const FieldType type = slab.slab->layout->fields[found.first].type;
    if (!CanConvert(type, fields[i].type)) continue;
    WorkColumn& work = storage->work[i];
    const uint64_t* words = slab.slab->words(found.first);
    if (type == FieldType::kBoolean) {
      work.Prepare(type, rows);
      for (uint32_t row = 0; row < rows; ++row) work.booleans()[row] = words[row] != 0;
      column = work.View();
    } else if (type == FieldType::kString) {
      // A null row's word is no address.
      work.Prepare(type, rows);
      for (uint32_t row = 0; row < rows; ++row) {
        work.strings()[row] =
            HasValue(*slab.slab, found.first, row) ? TextOf(words[row]) : std::string_view();
      }
      column = work.View();
    } else {
      column.type = type;
      column.data = words;
      if (type != fields[i].type) {
        work.Convert(column, rows, fields[i].type);
        column = work.View();
      }
    }
    CopyValidity(*slab.slab, found.first, rows, &work, &column.validity);
  }
}

FieldValue CacheRows::ValueAt(const CacheSlab& slab, ColumnSpan columns, uint32_t row,
                              FieldType type) {
  for (size_t column = columns.first; column < columns.first + columns.count; ++column) {
    if (!HasValue(slab, column, row)) continue;
    return ConvertValue(ValueOf(slab.layout->fields[column].type, slab.words(column)[row]), type);
  }
  return {};
}

bool CacheRows::GatherNewest(std::span<const Arrival> arrivals, const FieldRequest& field,
                             CacheColumns* storage, WorkColumn* work) const {
  storage->words.clear();
  for (size_t i = 0; i < slabs_.size(); ++i) {
    const CacheSlab& slab = *slabs_[i].slab;
    const ColumnSpan found = storage->columns[i];
    if (found.count != 1 || slab.layout->fields[found.first].type != field.type ||
        slab.validity.load(std::memory_order_acquire) != nullptr) {
      return false;
    }
    storage->words.push_back(slab.words(found.first));
  }
  const size_t rows = storage->ends.size();
  work->Prepare(field.type, rows);
  const auto gather = [&](auto* to, auto value_of) {
    for (size_t i = 0; i < rows; ++i) {
      const Arrival& newest = arrivals[storage->ends[i] - 1];
      to[i] = value_of(storage->words[newest.slab][newest.row]);
    }
  };
  if (field.type == FieldType::kBoolean) {
    gather(work->booleans(), [](uint64_t word) { return static_cast<uint8_t>(word != 0); });
  } else if (field.type == FieldType::kString) {
    gather(work->strings(), TextOf);
  } else {
    gather(work->words(), [](uint64_t word) { return word; });
  }
  return true;
}

void CacheRows::LoadSorted(const Piece& piece, std::span<const FieldRequest> fields,
                           CacheColumns* storage, model::ColumnBatch* out) const {
  const auto arrivals = std::span<const Arrival>(arrivals_).subspan(piece.first, piece.rows);
  storage->times.clear();
  storage->ends.clear();
  for (uint32_t i = 0; i < arrivals.size(); ++i) {
    if (i + 1 < arrivals.size() && arrivals[i + 1].time == arrivals[i].time) continue;
    storage->times.push_back(arrivals[i].time);
    storage->ends.push_back(i + 1);
  }
  out->rows = storage->times.size();
  out->times = storage->times.data();
  for (size_t i = 0; i < fields.size(); ++i) {
    storage->columns.clear();
    for (const Slab& slab : slabs_) {
      storage->columns.push_back(FindColumns(*slab.slab->layout, fields[i].field));
    }
    if (GatherNewest(arrivals, fields[i], storage, &storage->work[i])) {
      out->columns[i] = storage->work[i].View();
      continue;
    }
    model::ColumnBuffer& buffer = storage->buffers[i];
    buffer.Reset(fields[i].type);
    uint32_t begin = 0;
    for (const uint32_t end : storage->ends) {
      FieldValue value;
      for (uint32_t at = end; at != begin && value.is_null();) {
        const Arrival& newest = arrivals[--at];
        value = ValueAt(*slabs_[newest.slab].slab, storage->columns[newest.slab], newest.row,
                        fields[i].type);
      }
      buffer.Append(value);
      begin = end;
    }
    out->columns[i] = buffer.View();
  }
}

}  // namespace varve::engine
