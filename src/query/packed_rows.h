// Rows that wait in memory until their turn comes, in as few bytes as their values need.
//
// A row is a run of bytes, the same for all rows at one time: a column of integers takes 1, 2, 4 or
// 8 bytes, one of floats 8, and 16 where there are texts or nulls. When a value does not fit, all
// rows are laid out anew, which a column causes four times at most. Rows of ten small integers so
// take a tenth of what they take as values, and so do the pages that they are the first to touch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/huge_pages.h"
#include "model/column_batch.h"
#include "query/points.h"

namespace varve::query {

// One thread at a time.
class PackedRows {
 public:
  explicit PackedRows(size_t columns) : columns_(columns) {}

  size_t size() const { return rows_; }
  size_t row_bytes() const { return row_bytes_; }
  void Clear();

  // Appends the first `rows` rows of the batch's columns `from`, one for each of this; texts are
  // copied to `texts`.
  void Append(const model::ColumnBatch& batch, std::span<const size_t> from, size_t rows,
              TextArena& texts);
  // A row, whose texts are kept by the caller.
  void AppendRow(std::span<const model::FieldValue> values);
  // Makes row `to` a copy of row `from`, its texts copied to `texts`.
  void MoveRow(size_t from, size_t to, TextArena& texts);
  // Room for so many rows of the present width in all.
  void Reserve(size_t rows);
  // Drops the rows from `rows` on.
  void Truncate(size_t rows);

  model::FieldValue At(size_t row, size_t column) const {
    return Load(columns_[column], bytes_.data() + row * row_bytes_);
  }
  // Writes columns [first, first + count) of each of `rows` to `to` and, `width` values further,
  // the next. Fast for some dozens of rows at once.
  void Copy(std::span<const uint32_t> rows, size_t first, size_t count, model::FieldValue* to,
            size_t width) const;
  // Has the row brought near.
  void Prefetch(size_t row) const {
    const char* const at = bytes_.data() + row * row_bytes_;
    for (size_t i = 0; i < row_bytes_; i += kCacheLine) __builtin_prefetch(at + i);
  }

 private:
  static constexpr size_t kCacheLine = 64;
  // Width of a column whose values may be of any type.
  static constexpr uint8_t kAny = sizeof(model::FieldValue);

  struct Column {
    model::FieldType type = model::FieldType::kNone;
    uint8_t width = 0;  // bytes; 0: every value is null
    uint32_t at = 0;    // in the row
  };

  static model::FieldValue Load(const Column& column, const char* row);
  template <typename T>
  void CopyAs(const Column& column, std::span<const uint32_t> rows, model::FieldValue* to,
              size_t width) const;
  static void Store(const Column& column, const model::FieldValue& value, char* row);
  static uint8_t WidthOf(const model::ColumnVector& values, size_t rows);
  static bool Holds(const Column& column, model::FieldType type, uint8_t width);
  // Sees to it that columns hold values of these types that take so many bytes.
  void Widen(std::span<const model::FieldType> types, std::span<const uint8_t> widths);
  // Room for more rows; returns the first of them.
  char* Grow(size_t rows);

  std::vector<Column> columns_;
  size_t rows_ = 0;
  size_t row_bytes_ = 0;
  std::vector<char, base::HugePageAllocator<char>> bytes_;
  // Of the rows that are appended, by column.
  std::vector<model::FieldType> types_;
  std::vector<uint8_t> widths_;
};

}  // namespace varve::query
