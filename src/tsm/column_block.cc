#include "tsm/column_block.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/coding.h"
#include "base/status.h"
#include "tsm/validity.h"

namespace varve::tsm {
namespace {

using model::ColumnVector;
using model::FieldType;

constexpr char kValidityBits = 0;
constexpr char kValidityRuns = 1;

// Appends rows that have values as lengths of runs, valid and null in turn, the first one valid.
void PutRuns(std::span<const uint32_t> valid_rows, size_t rows, std::string& out) {
  size_t at = 0;  // the row a run begins at
  for (size_t i = 0; i < valid_rows.size();) {
    size_t end = i + 1;
    while (end < valid_rows.size() && valid_rows[end] == valid_rows[end - 1] + 1) ++end;
    if (valid_rows[i] != 0) {
      if (at == 0) base::PutVarint(out, 0);
      base::PutVarint(out, valid_rows[i] - at);
    }
    base::PutVarint(out, end - i);
    at = valid_rows[i] + (end - i);
    i = end;
  }
  if (at < rows) base::PutVarint(out, rows - at);
}

void PutValidity(std::span<const uint32_t> valid_rows, size_t rows, std::string& out) {
  const size_t start = out.size();
  const size_t bits_bytes = (rows + 7) / 8;
  out.push_back(kValidityRuns);
  PutRuns(valid_rows, rows, out);
  if (out.size() - start <= 1 + bits_bytes) return;
  out.resize(start);
  out.push_back(kValidityBits);
  out.append(bits_bytes, '\0');
  char* bits = out.data() + start + 1;
  for (const uint32_t row : valid_rows) {
    bits[row / 8] = static_cast<char>(bits[row / 8] | 1 << (row % 8));
  }
}

bool GetRuns(base::ByteReader& in, size_t rows, std::vector<uint64_t>* validity) {
  size_t at = 0;
  for (bool valid = true; at < rows; valid = !valid) {
    uint64_t n;
    if (!in.GetVarint(&n) || n > rows - at || (n == 0 && at != 0)) return false;
    if (valid) SetValid(*validity, at, at + n);
    if (n == 0 && !valid) return false;
    at += n;
  }
  return true;
}

template <typename T>
void GatherRows(const T* from, std::span<const uint32_t> rows, std::vector<T>& to) {
  to.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
}

template <typename T>
void SpreadRows(std::vector<T>& values, const std::vector<uint64_t>& validity, size_t rows,
                size_t count) {
  // From the end, so that a value never lands on one not yet moved.
  size_t from = count;
  for (size_t word = ValidityWords(rows); word-- > 0 && from > 0;) {
    uint64_t bits = validity[word];
    while (bits != 0) {
      const int top = 63 - std::countl_zero(bits);
      values[word * 64 + static_cast<size_t>(top)] = values[--from];
      bits &= ~(uint64_t{1} << top);
    }
  }
}

template <typename T>
void Grow(std::vector<T>& values, size_t rows) {
  if (values.size() < rows) values.resize(rows);
}

}  // namespace

void DenseColumn::Gather(const ColumnVector& column, size_t rows) {
  values_ = column;
  values_.validity = nullptr;
  count_ = rows;
  rows_view_ = {};
  if (column.validity == nullptr) return;
  rows_.clear();
  for (size_t word = 0; word < ValidityWords(rows); ++word) {
    uint64_t bits = column.validity[word];
    const size_t left = rows - word * 64;
    if (left < 64) bits &= (uint64_t{1} << left) - 1;
    for (; bits != 0; bits &= bits - 1) {
      rows_.push_back(
          static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
    }
  }
  count_ = rows_.size();
  if (count_ == rows) return;
  rows_view_ = rows_;
  switch (column.type) {
    case FieldType::kFloat:
      GatherRows(column.floats, rows_view_, floats_);
      values_.floats = floats_.data();
      break;
    case FieldType::kInteger:
      GatherRows(column.integers, rows_view_, integers_);
      values_.integers = integers_.data();
      break;
    case FieldType::kUnsigned:
      GatherRows(column.unsigneds, rows_view_, unsigneds_);
      values_.unsigneds = unsigneds_.data();
      break;
    case FieldType::kBoolean:
      GatherRows(column.booleans, rows_view_, booleans_);
      values_.booleans = booleans_.data();
      break;
    case FieldType::kString:
      GatherRows(column.strings, rows_view_, strings_);
      values_.strings = strings_.data();
      break;
    case FieldType::kNone:
      break;
  }
}

void EncodeColumnBlock(const DenseColumn& column, size_t rows, const EncodeOptions& options,
                       std::string& out) {
  if (!column.rows().empty()) PutValidity(column.rows(), rows, out);
  const ColumnVector& values = column.values();
  switch (values.type) {
    case FieldType::kFloat:
      EncodeFloats({values.floats, column.count()}, options, out);
      break;
    case FieldType::kInteger:
      EncodeIntegers({values.integers, column.count()}, options, out);
      break;
    case FieldType::kUnsigned:
      EncodeUnsigneds({values.unsigneds, column.count()}, options, out);
      break;
    case FieldType::kBoolean:
      EncodeBooleans({values.booleans, column.count()}, options, out);
      break;
    case FieldType::kString:
      EncodeStrings({values.strings, column.count()}, options, out);
      break;
    case FieldType::kNone:
      break;
  }
}

std::string_view SplitValidity(std::string_view block, size_t rows, size_t count,
                               std::vector<uint64_t>* validity) {
  Grow(*validity, ValidityWords(rows));
  std::fill_n(validity->begin(), ValidityWords(rows), 0);
  base::ByteReader in(block);
  uint8_t kind;
  if (!in.GetFixed(&kind)) return {};
  if (kind == kValidityBits) {
    std::string_view bits;
    if (!in.GetBytes((rows + 7) / 8, &bits)) return {};
    std::memcpy(validity->data(), bits.data(), bits.size());
  } else if (kind != kValidityRuns || !GetRuns(in, rows, validity)) {
    return {};
  }
  size_t set = 0;
  for (size_t word = 0; word < ValidityWords(rows); ++word) {
    set += static_cast<size_t>(std::popcount((*validity)[word]));
  }
  const bool beyond = rows % 64 != 0 && (*validity)[rows / 64] >> (rows % 64) != 0;
  if (beyond || set != count) return {};
  return block.substr(in.offset());
}

void DecodedColumn::State::Prepare(FieldType t, size_t rows) {
  type = t;
  has_nulls = false;
  switch (t) {
    case FieldType::kFloat:
      return Grow(floats, rows);
    case FieldType::kInteger:
      return Grow(integers, rows);
    case FieldType::kUnsigned:
      return Grow(unsigneds, rows);
    case FieldType::kBoolean:
      return Grow(booleans, rows);
    case FieldType::kString:
      return Grow(strings, rows);
    case FieldType::kNone:
      return;
  }
}

void DecodedColumn::State::Spread(size_t rows, size_t count) {
  has_nulls = true;
  switch (type) {
    case FieldType::kFloat:
      return SpreadRows(floats, validity, rows, count);
    case FieldType::kInteger:
      return SpreadRows(integers, validity, rows, count);
    case FieldType::kUnsigned:
      return SpreadRows(unsigneds, validity, rows, count);
    case FieldType::kBoolean:
      return SpreadRows(booleans, validity, rows, count);
    case FieldType::kString:
      return SpreadRows(strings, validity, rows, count);
    case FieldType::kNone:
      return;
  }
}

absl::Status DecodeColumnBlock(std::string_view block, FieldType type, size_t rows, size_t count,
                               DecodedColumn::State* out, size_t wanted, GroupPlace grouped) {
  out->Prepare(type, rows);
  std::string_view values = block;
  if (count != rows) {
    values = SplitValidity(block, rows, count, &out->validity);
    if (values.empty()) return base::DataLoss("malformed validity: block offset=0");
    if (wanted < rows) wanted = CountValid(out->validity, wanted);
  }
  absl::Status status;
  switch (type) {
    case FieldType::kFloat:
      status = DecodeFloats(values, {out->floats.data(), count}, wanted, grouped);
      break;
    case FieldType::kInteger:
      status = DecodeIntegers(values, {out->integers.data(), count}, wanted, grouped);
      break;
    case FieldType::kUnsigned:
      status = DecodeUnsigneds(values, {out->unsigneds.data(), count}, wanted, grouped);
      break;
    case FieldType::kBoolean:
      status = DecodeBooleans(values, {out->booleans.data(), count});
      break;
    case FieldType::kString:
      status = DecodeStrings(values, {out->strings.data(), count}, out->text);
      break;
    case FieldType::kNone:
      status = base::DataLoss("column without a type");
      break;
  }
  RETURN_IF_ERROR(status);
  if (count != rows) out->Spread(rows, count);
  return absl::OkStatus();
}

bool AddColumnBlock(std::string_view block, FieldType type, size_t rows, size_t count,
                    size_t wanted, codec::EntropyGroup& group) {
  if (count != rows) return false;
  switch (type) {
    case FieldType::kFloat:
      return AddFloats(block, count, wanted, group);
    case FieldType::kInteger:
    case FieldType::kUnsigned:
      return AddIntegers(block, count, wanted, group);
    default:
      return false;
  }
}

}  // namespace varve::tsm
