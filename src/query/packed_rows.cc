#include "query/packed_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "model/value_word.h"

namespace varve::query {
namespace {

using model::ColumnVector;
using model::FieldType;
using model::FieldValue;

static_assert(std::is_trivially_copyable_v<FieldValue>);

template <typename T>
uint64_t LoadSigned(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return static_cast<uint64_t>(static_cast<int64_t>(value));
}

template <typename T>
void StoreCut(uint64_t word, char* at) {
  const auto value = static_cast<T>(word);
  std::memcpy(at, &value, sizeof(value));
}

// Calls store(word, at) for each of the rows of a column that has no nulls.
template <typename T, typename Word>
void StoreColumn(size_t rows, size_t row_bytes, char* at, const Word& word) {
  for (size_t i = 0; i < rows; ++i, at += row_bytes) StoreCut<T>(word(i), at);
}

// The bytes that hold a word whose bits differ from its sign in `bits`.
uint8_t BytesOf(uint64_t bits) {
  const int width = std::bit_width(bits) + 1;
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}
uint64_t BitsBelowSign(uint64_t word) {
  return word ^ static_cast<uint64_t>(static_cast<int64_t>(word) >> 63);
}

}  // namespace

void PackedRows::Clear() {
  rows_ = 0;
  row_bytes_ = 0;
  bytes_.clear();
  std::fill(columns_.begin(), columns_.end(), Column());
}

FieldValue PackedRows::Load(const Column& column, const char* row) {
  const char* const at = row + column.at;
  switch (column.width) {
    case 1:
      return model::ValueOfWord(column.type, LoadSigned<int8_t>(at));
    case 2:
      return model::ValueOfWord(column.type, LoadSigned<int16_t>(at));
    case 4:
      return model::ValueOfWord(column.type, LoadSigned<int32_t>(at));
    case 8:
      return model::ValueOfWord(column.type, LoadSigned<int64_t>(at));
    case kAny: {
      FieldValue value;
      std::memcpy(&value, at, sizeof(value));
      return value;
    }
    default:
      return {};
  }
}

void PackedRows::Store(const Column& column, const FieldValue& value, char* row) {
  char* const at = row + column.at;
  switch (column.width) {
    case 1:
      return StoreCut<int8_t>(model::WordOfValue(value), at);
    case 2:
      return StoreCut<int16_t>(model::WordOfValue(value), at);
    case 4:
      return StoreCut<int32_t>(model::WordOfValue(value), at);
    case 8:
      return StoreCut<int64_t>(model::WordOfValue(value), at);
    case kAny:
      std::memcpy(at, &value, sizeof(value));
      return;
    default:
      return;
  }
}

uint8_t PackedRows::WidthOf(const ColumnVector& values, size_t rows) {
  if (values.type == FieldType::kNone) return 0;
  if (values.validity != nullptr || values.type == FieldType::kString) return kAny;
  if (values.type == FieldType::kBoolean) return 1;
  if (values.type == FieldType::kFloat) return 8;
  uint64_t bits = 0;
  for (size_t i = 0; i < rows; ++i) bits |= BitsBelowSign(values.unsigneds[i]);
  return BytesOf(bits);
}

bool PackedRows::Holds(const Column& column, FieldType type, uint8_t width) {
  return column.width == kAny || (column.type == type && width <= column.width);
}

void PackedRows::Widen(std::span<const FieldType> types, std::span<const uint8_t> widths) {
  std::vector<Column> wider = columns_;
  bool fits = rows_ > 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (rows_ > 0 && Holds(columns_[c], types[c], widths[c])) continue;
    fits = false;
    // Of two types one is null.
    const bool any = rows_ > 0 && columns_[c].type != types[c];
    wider[c].type = types[c];
    wider[c].width = any ? kAny : widths[c];
  }
  if (fits) return;
  uint32_t at = 0;
  for (Column& column : wider) {
    column.at = at;
    at += column.width;
  }
  std::vector<char, base::HugePageAllocator<char>> bytes(rows_ * at);
  for (size_t row = 0; row < rows_; ++row) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      Store(wider[c], At(row, c), bytes.data() + row * at);
    }
  }
  bytes_ = std::move(bytes);
  columns_ = std::move(wider);
  row_bytes_ = at;
}

char* PackedRows::Grow(size_t rows) {
  const size_t end = rows_ * row_bytes_;
  rows_ += rows;
  bytes_.resize(rows_ * row_bytes_);
  return bytes_.data() + end;
}

void PackedRows::Append(const model::ColumnBatch& batch, std::span<const size_t> from, size_t rows,
                        TextArena& texts) {
  if (rows == 0) return;
  types_.clear();
  widths_.clear();
  for (const size_t column : from) {
    types_.push_back(batch.columns[column].type);
    widths_.push_back(WidthOf(batch.columns[column], rows));
  }
  Widen(types_, widths_);
  char* const to = Grow(rows);
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    const ColumnVector& values = batch.columns[from[c]];
    char* at = to + column.at;
    const auto word = [&](size_t i) { return values.unsigneds[i]; };
    const bool is_boolean = values.type == FieldType::kBoolean;
    if (column.width == kAny || is_boolean) {
      for (size_t i = 0; i < rows; ++i) {
        Store(column, texts.Keep(values.At(i)), to + i * row_bytes_);
      }
    } else if (column.width == 1) {
      StoreColumn<int8_t>(rows, row_bytes_, at, word);
    } else if (column.width == 2) {
      StoreColumn<int16_t>(rows, row_bytes_, at, word);
    } else if (column.width == 4) {
      StoreColumn<int32_t>(rows, row_bytes_, at, word);
    } else if (column.width == 8) {
      StoreColumn<int64_t>(rows, row_bytes_, at, word);
    }
  }
}

void PackedRows::AppendRow(std::span<const FieldValue> values) {
  types_.clear();
  widths_.clear();
  for (const FieldValue& value : values) {
    types_.push_back(value.type());
    if (value.is_null()) {
      widths_.push_back(0);
    } else if (value.type() == FieldType::kString) {
      widths_.push_back(kAny);
    } else {
      widths_.push_back(value.type() == FieldType::kFloat
                            ? 8
                            : BytesOf(BitsBelowSign(model::WordOfValue(value))));
    }
  }
  Widen(types_, widths_);
  char* const to = Grow(1);
  for (size_t c = 0; c < columns_.size(); ++c) Store(columns_[c], values[c], to);
}

void PackedRows::MoveRow(size_t from, size_t to, TextArena& texts) {
  char* const row = bytes_.data() + to * row_bytes_;
  if (from != to) std::memcpy(row, bytes_.data() + from * row_bytes_, row_bytes_);
  for (const Column& column : columns_) {
    if (column.width == kAny) Store(column, texts.Keep(Load(column, row)), row);
  }
}

void PackedRows::Reserve(size_t rows) { bytes_.reserve(rows * row_bytes_); }

void PackedRows::Truncate(size_t rows) {
  rows_ = rows;
  bytes_.resize(rows * row_bytes_);
}

// Of a column of words that are stored as T.
template <typename T>
void PackedRows::CopyAs(const Column& column, std::span<const uint32_t> rows, FieldValue* to,
                        size_t width) const {
  const char* const at = bytes_.data() + column.at;
  const auto each = [&](const auto& value_of) {
    for (const uint32_t row : rows) {
      *to = value_of(LoadSigned<T>(at + row * row_bytes_));
      to += width;
    }
  };
  switch (column.type) {
    case FieldType::kInteger:
      return each([](uint64_t word) { return FieldValue::Integer(static_cast<int64_t>(word)); });
    case FieldType::kFloat:
      return each([](uint64_t word) { return FieldValue::Float(std::bit_cast<double>(word)); });
    default:
      return each([&](uint64_t word) { return model::ValueOfWord(column.type, word); });
  }
}

void PackedRows::Copy(std::span<const uint32_t> rows, size_t first, size_t count, FieldValue* to,
                      size_t width) const {
  for (size_t c = first; c < first + count; ++c, ++to) {
    const Column& column = columns_[c];
    switch (column.width) {
      case 1:
        CopyAs<int8_t>(column, rows, to, width);
        break;
      case 2:
        CopyAs<int16_t>(column, rows, to, width);
        break;
      case 4:
        CopyAs<int32_t>(column, rows, to, width);
        break;
      case 8:
        CopyAs<int64_t>(column, rows, to, width);
        break;
      default:
        for (size_t i = 0; i < rows.size(); ++i) to[i * width] = At(rows[i], c);
    }
  }
}

}  // namespace varve::query
