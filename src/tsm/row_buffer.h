// Rows of one series on their way to a chunk, gathered as columns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/column_batch.h"
#include "model/types.h"

namespace varve::tsm {

// A column with its field: what a chunk is encoded from.
struct ChunkColumn {
  model::FieldId field = model::kNoId;
  model::ColumnVector values;
};

// Reusable: allocates only while it grows.
class RowBuffer {
 public:
  void Clear();
  size_t rows() const { return times_.size(); }
  size_t text_bytes() const { return text_bytes_; }
  std::span<const int64_t> times() const { return times_; }

  // Whether the columns fit those gathered so far: no field has another type here than there.
  bool Fits(std::span<const model::FieldId> fields, const model::ColumnBatch& batch) const;
  // Appends rows [begin, end) of `batch`, which fits. Values are copied.
  void Append(std::span<const model::FieldId> fields, const model::ColumnBatch& batch, size_t begin,
              size_t end);

  // One row, field by field: BeginRow(), then Set() for each field at most once, of a type that
  // fits.
  //   hint  where the field is expected among the row's fields.
  bool Fits(model::FieldId field, model::FieldType type, size_t hint) const;
  void BeginRow(int64_t time_ns);
  void Set(model::FieldId field, const model::FieldValue& value);

  // The gathered columns that have any value, ascending by field; valid until the next change.
  void Columns(std::vector<ChunkColumn>* columns);

 private:
  struct Column {
    model::FieldId field = model::kNoId;
    model::FieldType type = model::FieldType::kNone;
    size_t size = 0;              // rows, nulls included
    size_t valid = 0;             // rows with a value
    std::vector<uint64_t> words;  // floats, integers and unsigneds as their 64 bits
    std::vector<uint8_t> booleans;
    std::string text;
    std::vector<size_t> ends;               // of each row's text
    std::vector<uint64_t> validity;         // empty while every row has a value
    std::vector<std::string_view> strings;  // built by Columns()

    void Reset(model::FieldId f, model::FieldType t);
    void AppendNulls(size_t n);
    void AppendRows(const model::ColumnVector& from, size_t begin, size_t end);
    void AppendValue(const model::FieldValue& value);
    // Each counts rows whose values have not yet been counted in `size`.
    void MarkValid(size_t n);
    void MarkFrom(const model::ColumnVector& from, size_t begin, size_t n);
    void NeedValidity(size_t rows);
    model::ColumnVector View(size_t rows);
  };

  const Column* Find(model::FieldId field, size_t hint) const;
  Column& FindOrAdd(model::FieldId field, model::FieldType type, size_t hint, size_t rows_before);

  std::vector<int64_t> times_;
  std::vector<Column> columns_;  // the first used_ are in use
  size_t used_ = 0;
  size_t text_bytes_ = 0;
  size_t next_hint_ = 0;  // where the next Set() will look first
};

}  // namespace varve::tsm
