#include "tsm/row_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "tsm/validity.h"

namespace varve::tsm {

using model::ColumnBatch;
using model::ColumnVector;
using model::FieldId;
using model::FieldType;
using model::FieldValue;

void RowBuffer::Column::Reset(FieldId f, FieldType t) {
  field = f;
  type = t;
  size = 0;
  valid = 0;
  words.clear();
  booleans.clear();
  text.clear();
  ends.clear();
  validity.clear();
}

void RowBuffer::Column::NeedValidity(size_t rows) {
  const bool first = validity.empty();
  validity.resize(ValidityWords(rows), 0);
  if (first) SetValid(validity, 0, size);
}

void RowBuffer::Column::MarkValid(size_t n) {
  valid += n;
  if (validity.empty()) return;
  NeedValidity(size + n);
  SetValid(validity, size, size + n);
}

void RowBuffer::Column::MarkFrom(const ColumnVector& from, size_t begin, size_t n) {
  size_t nulls = 0;
  for (size_t i = 0; i < n; ++i) nulls += from.IsValid(begin + i) ? 0 : 1;
  if (nulls == 0) return MarkValid(n);
  valid += n - nulls;
  NeedValidity(size + n);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t bit = from.IsValid(begin + i) ? 1 : 0;
    validity[(size + i) / 64] |= bit << ((size + i) % 64);
  }
}

void RowBuffer::Column::AppendNulls(size_t n) {
  NeedValidity(size + n);
  size += n;
  switch (type) {
    case FieldType::kBoolean:
      booleans.resize(size);
      return;
    case FieldType::kString:
      ends.resize(size, text.size());
      return;
    default:
      words.resize(size);
  }
}

void RowBuffer::Column::AppendRows(const ColumnVector& from, size_t begin, size_t end) {
  const size_t n = end - begin;
  switch (type) {
    case FieldType::kBoolean:
      booleans.insert(booleans.end(), from.booleans + begin, from.booleans + end);
      break;
    case FieldType::kString:
      for (size_t row = begin; row < end; ++row) {
        // The value of a null row is unspecified: not even its pointer may be looked at.
        if (from.IsValid(row)) text.append(from.strings[row]);
        ends.push_back(text.size());
      }
      break;
    default: {
      const auto* bytes = static_cast<const char*>(from.data) + begin * sizeof(uint64_t);
      if (n == 1) {
        uint64_t word;
        std::memcpy(&word, bytes, sizeof(word));
        words.push_back(word);
      } else {
        words.resize(size + n);
        std::memcpy(words.data() + size, bytes, n * sizeof(uint64_t));
      }
    }
  }
  if (from.validity == nullptr) {
    MarkValid(n);
  } else {
    MarkFrom(from, begin, n);
  }
  size += n;
}

void RowBuffer::Column::AppendValue(const FieldValue& value) {
  MarkValid(1);
  ++size;
  switch (type) {
    case FieldType::kFloat:
      words.push_back(std::bit_cast<uint64_t>(value.as_float()));
      return;
    case FieldType::kInteger:
      words.push_back(static_cast<uint64_t>(value.as_integer()));
      return;
    case FieldType::kUnsigned:
      words.push_back(value.as_unsigned());
      return;
    case FieldType::kBoolean:
      booleans.push_back(value.as_boolean() ? 1 : 0);
      return;
    case FieldType::kString:
      text.append(value.as_string());
      ends.push_back(text.size());
      return;
    case FieldType::kNone:
      return;
  }
}

ColumnVector RowBuffer::Column::View(size_t rows) {
  if (size < rows) AppendNulls(rows - size);
  ColumnVector view;
  view.type = type;
  view.validity = valid == rows ? nullptr : validity.data();
  switch (type) {
    case FieldType::kBoolean:
      view.booleans = booleans.data();
      break;
    case FieldType::kString: {
      strings.resize(rows);
      size_t start = 0;
      for (size_t row = 0; row < rows; ++row) {
        strings[row] = std::string_view(text).substr(start, ends[row] - start);
        start = ends[row];
      }
      view.strings = strings.data();
      break;
    }
    default:
      view.data = words.data();
  }
  return view;
}

void RowBuffer::Clear() {
  times_.clear();
  used_ = 0;
  text_bytes_ = 0;
}

const RowBuffer::Column* RowBuffer::Find(FieldId field, size_t hint) const {
  if (hint < used_ && columns_[hint].field == field) return &columns_[hint];
  for (size_t i = 0; i < used_; ++i) {
    if (columns_[i].field == field) return &columns_[i];
  }
  return nullptr;
}

RowBuffer::Column& RowBuffer::FindOrAdd(FieldId field, FieldType type, size_t hint,
                                        size_t rows_before) {
  auto* column = const_cast<Column*>(Find(field, hint));
  if (column == nullptr) {
    if (used_ == columns_.size()) columns_.emplace_back();
    column = &columns_[used_++];
    column->Reset(field, type);
  }
  DCHECK(column->type == type);
  if (column->size < rows_before) column->AppendNulls(rows_before - column->size);
  return *column;
}

bool RowBuffer::Fits(FieldId field, FieldType type, size_t hint) const {
  const Column* column = Find(field, hint);
  return column == nullptr || column->type == type;
}

bool RowBuffer::Fits(std::span<const FieldId> fields, const ColumnBatch& batch) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (batch.columns[i].type == FieldType::kNone) continue;
    const Column* column = Find(fields[i], i);
    if (column != nullptr && column->type != batch.columns[i].type) return false;
  }
  return true;
}

void RowBuffer::Append(std::span<const FieldId> fields, const ColumnBatch& batch, size_t begin,
                       size_t end) {
  const size_t before = rows();
  times_.insert(times_.end(), batch.times + begin, batch.times + end);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (batch.columns[i].type == FieldType::kNone) continue;
    Column& column = FindOrAdd(fields[i], batch.columns[i].type, i, before);
    const size_t text_before = column.text.size();
    column.AppendRows(batch.columns[i], begin, end);
    text_bytes_ += column.text.size() - text_before;
  }
}

void RowBuffer::BeginRow(int64_t time_ns) {
  times_.push_back(time_ns);
  next_hint_ = 0;
}

void RowBuffer::Set(FieldId field, const FieldValue& value) {
  Column& column = FindOrAdd(field, value.type(), next_hint_++, rows() - 1);
  column.AppendValue(value);
  if (value.type() == FieldType::kString) text_bytes_ += value.as_string().size();
}

void RowBuffer::Columns(std::vector<ChunkColumn>* columns) {
  columns->clear();
  for (size_t i = 0; i < used_; ++i) {
    if (columns_[i].valid == 0) continue;
    columns->push_back({columns_[i].field, columns_[i].View(rows())});
  }
  std::sort(columns->begin(), columns->end(),
            [](const ChunkColumn& a, const ChunkColumn& b) { return a.field < b.field; });
}

}  // namespace varve::tsm
