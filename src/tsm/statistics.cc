#include "tsm/statistics.h"

#include <cmath>
#include <type_traits>

namespace varve::tsm {
namespace {

using model::FieldType;
using model::FieldValue;

FieldValue ToValue(double v) { return FieldValue::Float(v); }
FieldValue ToValue(int64_t v) { return FieldValue::Integer(v); }
FieldValue ToValue(uint64_t v) { return FieldValue::Unsigned(v); }

template <typename T>
void SummarizeNumbers(const T* values, size_t count, ColumnSummary* summary) {
  size_t start = 0;
  if constexpr (std::is_same_v<T, double>) {
    while (start < count && std::isnan(values[start])) ++start;
    if (start == count) start = 0;
  }
  T min = values[start];
  T max = values[start];
  // Integers wrap: their sum is taken on unsigned words.
  using Sum = std::conditional_t<std::is_same_v<T, double>, double, uint64_t>;
  auto sum = static_cast<Sum>(values[0]);
  // Comparisons with NaN are false, so that it is passed over.
  for (size_t i = 1; i < count; ++i) {
    min = values[i] < min ? values[i] : min;
    max = values[i] > max ? values[i] : max;
    sum += static_cast<Sum>(values[i]);
  }
  // The first of equal values, which may be zeros of two signs.
  size_t min_at = start;
  while (min_at < count - 1 && !(values[min_at] == min)) ++min_at;
  size_t max_at = start;
  while (max_at < count - 1 && !(values[max_at] == max)) ++max_at;
  if (std::is_same_v<T, double> && std::isnan(values[start])) min_at = max_at = start;

  summary->min = ToValue(values[min_at]);
  summary->max = ToValue(values[max_at]);
  summary->sum = ToValue(static_cast<T>(sum));
  summary->first = ToValue(values[0]);
  summary->last = ToValue(values[count - 1]);
  summary->min_row = static_cast<uint32_t>(min_at);
  summary->max_row = static_cast<uint32_t>(max_at);
}

}  // namespace

ColumnSummary Summarize(const model::ColumnVector& values, size_t count,
                        std::span<const uint32_t> rows) {
  ColumnSummary summary;
  summary.count = count;
  if (count == 0) return summary;
  summary.last_row = static_cast<uint32_t>(count - 1);
  switch (values.type) {
    case FieldType::kFloat:
      SummarizeNumbers(values.floats, count, &summary);
      break;
    case FieldType::kInteger:
      SummarizeNumbers(values.integers, count, &summary);
      break;
    case FieldType::kUnsigned:
      SummarizeNumbers(values.unsigneds, count, &summary);
      break;
    case FieldType::kBoolean:
      summary.first = FieldValue::Boolean(values.booleans[0] != 0);
      summary.last = FieldValue::Boolean(values.booleans[count - 1] != 0);
      break;
    case FieldType::kString:
    case FieldType::kNone:
      break;
  }
  if (!rows.empty()) {
    for (uint32_t* row :
         {&summary.min_row, &summary.max_row, &summary.first_row, &summary.last_row}) {
      *row = rows[*row];
    }
  }
  return summary;
}

}  // namespace varve::tsm
