// Some rows of one series as columns: what flows from files and caches to the query operators.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace varve::model {

// Rows in a batch handed out by a cursor: 1 to this many.
inline constexpr size_t kBatchRows = 1024;

// One column of a batch. Borrowed: valid until its producer is asked for the next batch.
struct ColumnVector {
  FieldType type = FieldType::kNone;
  // Exactly one of these is set, by `type`; it has the batch's row count. A row that is null has an
  // unspecified value there.
  union {
    const void* data = nullptr;
    const double* floats;
    const int64_t* integers;
    const uint64_t* unsigneds;
    const uint8_t* booleans;  // 0 or 1
    const std::string_view* strings;
  };
  // Bit i (of word i / 64, low bits first) is set when row i has a value. Null: every row has one.
  const uint64_t* validity = nullptr;

  bool IsValid(size_t row) const {
    return validity == nullptr || ((validity[row / 64] >> (row % 64)) & 1) != 0;
  }
  FieldValue At(size_t row) const;  // null where IsValid() is false or the type is kNone
};

// Rows of one series in strictly ascending (or, from a descending scan, strictly descending) order
// of time. A column of type kNone is null in every row.
struct ColumnBatch {
  size_t rows = 0;
  const int64_t* times = nullptr;
  std::vector<ColumnVector> columns;
};

// A column that owns its values; the usual way to build a ColumnVector.
class ColumnBuffer {
 public:
  void Reset(FieldType type);  // empties; keeps capacity
  FieldType type() const { return type_; }
  size_t size() const { return size_; }
  void AppendNull();
  void Append(const FieldValue& value);  // of this column's type, or null; strings are copied
  // A view of the whole column, valid until the next change.
  ColumnVector View() const;

 private:
  FieldType type_ = FieldType::kNone;
  size_t size_ = 0;
  bool has_null_ = false;
  std::vector<double> floats_;
  std::vector<uint64_t> words_;  // integers and unsigneds
  std::vector<uint8_t> booleans_;
  std::vector<char> text_;
  std::vector<uint32_t> ends_;
  mutable std::vector<std::string_view> strings_;  // rebuilt by View()
  std::vector<uint64_t> validity_;
};

// What a block's index entry knows of one field's values over a span of rows, nulls left out.
struct FieldStatistics {
  uint64_t count = 0;  // values that are not null; when 0 the rest means nothing
  // Booleans and strings have only count, first and last; their sum, min and max are null.
  FieldValue min;
  FieldValue max;
  FieldValue sum;  // floats: a float; integers: wraps around, as InfluxDB's sum() does
  FieldValue first;
  FieldValue last;
  int64_t min_time = 0;  // the earliest row that holds `min`
  int64_t max_time = 0;  // the earliest row that holds `max`
  int64_t first_time = 0;
  int64_t last_time = 0;
};

}  // namespace varve::model
