#include "engine/work_column.h"

#include <bit>
#include <cmath>

#include "base/check.h"

namespace varve::engine {
namespace {

using model::ColumnVector;
using model::FieldType;
using model::FieldValue;

bool IsNumeric(FieldType type) {
  return type == FieldType::kFloat || type == FieldType::kInteger || type == FieldType::kUnsigned;
}

// What Go on amd64 makes of a float that does not fit: the least integer.
int64_t ToInteger(double v) {
  if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0)) return INT64_MIN;
  return static_cast<int64_t>(v);
}
uint64_t ToUnsigned(double v) {
  if (v >= 9223372036854775808.0 && v < 18446744073709551616.0) return static_cast<uint64_t>(v);
  return static_cast<uint64_t>(ToInteger(v));
}

uint64_t ConvertWord(uint64_t word, FieldType from, FieldType to) {
  if (from == to) return word;
  if (from == FieldType::kFloat) {
    const double v = std::bit_cast<double>(word);
    return to == FieldType::kInteger ? static_cast<uint64_t>(ToInteger(v)) : ToUnsigned(v);
  }
  if (to != FieldType::kFloat) return word;
  const double v = from == FieldType::kInteger ? static_cast<double>(static_cast<int64_t>(word))
                                               : static_cast<double>(word);
  return std::bit_cast<uint64_t>(v);
}

template <typename T>
void GatherValues(const T* from, std::span<const uint32_t> rows, T* to) {
  for (size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
}

}  // namespace

bool CanConvert(FieldType from, FieldType to) {
  return from == to || (IsNumeric(from) && IsNumeric(to));
}

FieldValue ConvertValue(const FieldValue& value, FieldType to) {
  if (value.type() == to) return value;
  if (!CanConvert(value.type(), to)) return {};
  uint64_t word = 0;
  switch (value.type()) {
    case FieldType::kFloat:
      word = std::bit_cast<uint64_t>(value.as_float());
      break;
    case FieldType::kInteger:
      word = static_cast<uint64_t>(value.as_integer());
      break;
    default:
      word = value.as_unsigned();
  }
  word = ConvertWord(word, value.type(), to);
  switch (to) {
    case FieldType::kFloat:
      return FieldValue::Float(std::bit_cast<double>(word));
    case FieldType::kInteger:
      return FieldValue::Integer(static_cast<int64_t>(word));
    default:
      return FieldValue::Unsigned(word);
  }
}

void WorkColumn::Prepare(FieldType type, size_t rows) {
  view_ = ColumnVector{};
  view_.type = type;
  switch (type) {
    case FieldType::kBoolean:
      if (booleans_.size() < rows) booleans_.resize(rows);
      view_.booleans = booleans_.data();
      break;
    case FieldType::kString:
      if (strings_.size() < rows) strings_.resize(rows);
      view_.strings = strings_.data();
      break;
    case FieldType::kNone:
      break;
    default:
      if (words_.size() < rows) words_.resize(rows);
      view_.data = words_.data();
  }
}

uint64_t* WorkColumn::PrepareValidity(size_t rows) {
  validity_.assign((rows + 63) / 64, 0);
  view_.validity = validity_.data();
  return validity_.data();
}

void WorkColumn::Gather(const ColumnVector& source, std::span<const uint32_t> rows) {
  DCHECK(source.data != view_.data || source.data == nullptr);
  const uint64_t* validity = source.validity;
  Prepare(source.type, rows.size());
  switch (source.type) {
    case FieldType::kNone:
      return;
    case FieldType::kBoolean:
      GatherValues(source.booleans, rows, booleans_.data());
      break;
    case FieldType::kString:
      GatherValues(source.strings, rows, strings_.data());
      break;
    default:
      GatherValues<RawWord>(static_cast<const RawWord*>(source.data), rows, words());
  }
  if (validity == nullptr) return;
  uint64_t* out = PrepareValidity(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint64_t bit = (validity[rows[i] / 64] >> (rows[i] % 64)) & 1;
    out[i / 64] |= bit << (i % 64);
  }
}

void WorkColumn::Convert(const ColumnVector& source, size_t rows, FieldType to) {
  Prepare(to, rows);
  const auto* from = static_cast<const RawWord*>(source.data);
  RawWord* out = words();
  for (size_t i = 0; i < rows; ++i) out[i] = ConvertWord(from[i], source.type, to);
  view_.validity = source.validity;
}

void WorkColumn::Slice(const ColumnVector& source, size_t begin, size_t rows) {
  view_ = source;
  switch (source.type) {
    case FieldType::kNone:
      return;
    case FieldType::kBoolean:
      view_.booleans = source.booleans + begin;
      break;
    case FieldType::kString:
      view_.strings = source.strings + begin;
      break;
    default:
      view_.data = static_cast<const RawWord*>(source.data) + begin;
  }
  if (source.validity == nullptr) return;
  const size_t word = begin / 64;
  const unsigned shift = begin % 64;
  if (shift == 0) {
    view_.validity = source.validity + word;
    return;
  }
  const size_t last_word = (begin + rows - 1) / 64;
  validity_.resize((rows + 63) / 64);
  for (size_t i = 0; i < validity_.size(); ++i) {
    uint64_t bits = source.validity[word + i] >> shift;
    if (word + i + 1 <= last_word) bits |= source.validity[word + i + 1] << (64 - shift);
    validity_[i] = bits;
  }
  view_.validity = validity_.data();
}

}  // namespace varve::engine
