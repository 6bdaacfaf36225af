// Computes what an index entry says of a column.
#pragma once

#include <cstdint>
#include <span>

#include "model/column_batch.h"

namespace varve::tsm {

// Statistics by row number instead of time.
struct ColumnSummary {
  uint64_t count = 0;  // values that are not null
  // As in model::FieldStatistics. Floats: NaN is never min or max unless every value is NaN, which
  // then is the first one; the sum adds in row order, beginning with the first value.
  model::FieldValue min;
  model::FieldValue max;
  model::FieldValue sum;
  model::FieldValue first;
  model::FieldValue last;
  uint32_t min_row = 0;
  uint32_t max_row = 0;
  uint32_t first_row = 0;
  uint32_t last_row = 0;
};

// Of the values of a column that are not null, in one pass.
//   values  as many as set bits in the column's validity; data only, validity is not looked at.
//   rows    the row number of each value; empty when every row has a value.
ColumnSummary Summarize(const model::ColumnVector& values, size_t count,
                        std::span<const uint32_t> rows);

// With the times of the rows put in.
template <typename TimeOfRow>
model::FieldStatistics ToStatistics(const ColumnSummary& summary, const TimeOfRow& time_of) {
  model::FieldStatistics result;
  result.count = summary.count;
  result.min = summary.min;
  result.max = summary.max;
  result.sum = summary.sum;
  result.first = summary.first;
  result.last = summary.last;
  result.min_time = time_of(summary.min_row);
  result.max_time = time_of(summary.max_row);
  result.first_time = time_of(summary.first_row);
  result.last_time = time_of(summary.last_row);
  return result;
}

}  // namespace varve::tsm
