#include "tsm/page_rows.h"

#include <array>
#include <bit>

#include "tsm/file_format.h"
#include "tsm/scalar.h"

namespace varve::tsm {
namespace {

using model::ColumnVector;
using model::FieldType;

constexpr uint8_t kExponentBits = 0x0f;
constexpr uint8_t kNulls = 0x10;

void PutDifferences(const uint64_t* values, size_t count, std::string& out) {
  uint64_t previous = 0;
  for (size_t i = 0; i < count; ++i) {
    base::PutSignedVarint(out, static_cast<int64_t>(values[i] - previous));
    previous = values[i];
  }
}

template <typename Put>
bool GetDifferences(base::ByteReader& in, size_t count, const Put& put) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    int64_t difference;
    if (!in.GetSignedVarint(&difference)) return false;
    value += static_cast<uint64_t>(difference);
    put(i, value);
  }
  return true;
}

void PutFloats(std::span<const double> values, unsigned exponent, const int64_t* mantissas,
               std::string& out) {
  if (exponent == kNotDecimal) {
    for (const double value : values) base::PutFixed(out, value);
    return;
  }
  std::array<uint64_t, kInlineRows> words;
  for (size_t i = 0; i < values.size(); ++i) words[i] = static_cast<uint64_t>(mantissas[i]);
  PutDifferences(words.data(), values.size(), out);
}

bool GetFloats(base::ByteReader& in, unsigned exponent, size_t count, double* values) {
  if (exponent == kNotDecimal) {
    for (size_t i = 0; i < count; ++i) {
      if (!in.GetFixed(&values[i])) return false;
    }
    return true;
  }
  return GetDifferences(in, count, [&](size_t i, uint64_t mantissa) {
    values[i] = FromDecimal(static_cast<int64_t>(mantissa), exponent);
  });
}

void PutIntegers(const int64_t* values, size_t count, std::string& out) {
  std::array<uint64_t, kInlineRows> words;
  for (size_t i = 0; i < count; ++i) words[i] = static_cast<uint64_t>(values[i]);
  PutDifferences(words.data(), count, out);
}

void PutBooleans(const uint8_t* values, size_t count, std::string& out) {
  unsigned bits = 0;
  for (size_t i = 0; i < count; ++i) bits |= (values[i] != 0 ? 1u : 0u) << i;
  out.push_back(static_cast<char>(bits));
}

bool GetBooleans(base::ByteReader& in, size_t count, uint8_t* values) {
  uint8_t bits;
  if (!in.GetFixed(&bits) || bits >> count != 0) return false;
  for (size_t i = 0; i < count; ++i) values[i] = bits >> i & 1;
  return true;
}

bool GetValues(base::ByteReader& in, FieldType type, unsigned exponent, size_t count,
               DecodedColumn::State* out) {
  switch (type) {
    case FieldType::kFloat:
      return GetFloats(in, exponent, count, out->floats.data());
    case FieldType::kInteger:
      return GetDifferences(in, count, [&](size_t i, uint64_t value) {
        out->integers[i] = static_cast<int64_t>(value);
      });
    case FieldType::kUnsigned:
      return GetDifferences(in, count,
                            [&](size_t i, uint64_t value) { out->unsigneds[i] = value; });
    case FieldType::kBoolean:
      return GetBooleans(in, count, out->booleans.data());
    case FieldType::kString:
      for (size_t i = 0; i < count; ++i) {
        if (!in.GetString(&out->strings[i])) return false;
      }
      return true;
    case FieldType::kNone:
      break;
  }
  return false;
}

}  // namespace

void PutPageTimes(const int64_t* times, size_t rows, std::string& out) {
  for (size_t i = 1; i < rows; ++i) {
    PutTimeDelta(out, static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]));
  }
}

bool GetPageTimes(base::ByteReader& in, ChunkHead* head, int64_t* times) {
  times[0] = head->range.min_ns;
  for (size_t i = 1; i < head->rows; ++i) {
    uint64_t step;
    const uint64_t room = static_cast<uint64_t>(INT64_MAX) - static_cast<uint64_t>(times[i - 1]);
    if (!GetTimeDelta(in, &step) || step == 0 || step > room) return false;
    times[i] = static_cast<int64_t>(static_cast<uint64_t>(times[i - 1]) + step);
  }
  head->range.max_ns = times[head->rows - 1];
  return true;
}

void PutPageColumn(const DenseColumn& column, size_t rows, std::string& out) {
  const ColumnVector& values = column.values();
  const size_t count = column.count();
  std::string bytes;
  std::array<int64_t, kInlineRows> mantissas;
  unsigned exponent = 0;
  if (values.type == FieldType::kFloat) {
    exponent = CommonDecimal(std::span(values.floats, count), mantissas.data());
  }
  bytes.push_back(static_cast<char>(exponent | (count != rows ? kNulls : 0)));
  if (count != rows) {
    unsigned bits = 0;
    for (const uint32_t row : column.rows()) bits |= 1u << row;
    bytes.push_back(static_cast<char>(bits));
  }
  switch (values.type) {
    case FieldType::kFloat:
      PutFloats({values.floats, count}, exponent, mantissas.data(), bytes);
      break;
    case FieldType::kInteger:
      PutIntegers(values.integers, count, bytes);
      break;
    case FieldType::kUnsigned:
      PutDifferences(values.unsigneds, count, bytes);
      break;
    case FieldType::kBoolean:
      PutBooleans(values.booleans, count, bytes);
      break;
    case FieldType::kString:
      for (size_t i = 0; i < count; ++i) base::PutString(bytes, values.strings[i]);
      break;
    case FieldType::kNone:
      break;
  }
  base::PutString(out, bytes);
}

bool GetPageColumn(std::string_view bytes, FieldType type, size_t rows, DecodedColumn::State* out,
                   uint32_t* valid_rows, size_t* count) {
  base::ByteReader in(bytes);
  uint8_t coding;
  if (rows > kInlineRows || !in.GetFixed(&coding)) return false;
  out->Prepare(type, rows);
  uint8_t bits = static_cast<uint8_t>((1u << rows) - 1);
  if ((coding & kNulls) != 0) {
    const uint8_t all = bits;
    if (!in.GetFixed(&bits) || bits == 0 || bits >= all) return false;
    out->has_nulls = true;
  }
  if (out->validity.empty()) out->validity.resize(1);
  out->validity[0] = bits;
  *count = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    if ((bits >> row & 1) != 0) valid_rows[(*count)++] = row;
  }
  const unsigned exponent = coding & kExponentBits;
  if ((coding & ~(kExponentBits | kNulls)) != 0 || (type != FieldType::kFloat && exponent != 0)) {
    return false;
  }
  return GetValues(in, type, exponent, *count, out) && in.remaining() == 0;
}

ColumnVector ValuesOf(const DecodedColumn::State& state) {
  ColumnVector values;
  values.type = state.type;
  switch (state.type) {
    case FieldType::kFloat:
      values.floats = state.floats.data();
      break;
    case FieldType::kInteger:
      values.integers = state.integers.data();
      break;
    case FieldType::kUnsigned:
      values.unsigneds = state.unsigneds.data();
      break;
    case FieldType::kBoolean:
      values.booleans = state.booleans.data();
      break;
    case FieldType::kString:
      values.strings = state.strings.data();
      break;
    case FieldType::kNone:
      break;
  }
  return values;
}

}  // namespace varve::tsm
