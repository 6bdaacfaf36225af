// A column vector made value by value.
#pragma once

#include <bit>
#include <string_view>
#include <vector>

#include "model/column_batch.h"

namespace varve::query {

// A column of values of one type; numbers of other types are converted, all else is null.
class TypedColumn {
 public:
  void Reset(model::FieldType type) {
    type_ = type;
    words_.clear();
    booleans_.clear();
    strings_.clear();
    validity_.assign(model::kBatchRows / 64, 0);
    rows_ = 0;
  }
  void Append(const model::FieldValue& value) {
    const bool valid = AppendValue(value);
    validity_[rows_ / 64] |= static_cast<uint64_t>(valid) << (rows_ % 64);
    ++rows_;
  }
  model::ColumnVector View() const {
    model::ColumnVector column;
    column.type = type_;
    column.validity = validity_.data();
    if (type_ == model::FieldType::kBoolean) {
      column.booleans = booleans_.data();
    } else if (type_ == model::FieldType::kString) {
      column.strings = strings_.data();
    } else {
      column.data = words_.data();
    }
    return column;
  }

 private:
  bool AppendValue(const model::FieldValue& value) {
    if (type_ == model::FieldType::kBoolean) {
      const bool valid = value.type() == type_;
      booleans_.push_back(valid && value.as_boolean() ? 1 : 0);
      return valid;
    }
    if (type_ == model::FieldType::kString) {
      const bool valid = value.type() == type_;
      strings_.push_back(valid ? value.as_string() : std::string_view());
      return valid;
    }
    words_.push_back(0);
    switch (value.type()) {
      case model::FieldType::kFloat:
        return Store(value.as_float());
      case model::FieldType::kInteger:
        return Store(value.as_integer());
      case model::FieldType::kUnsigned:
        return Store(value.as_unsigned());
      default:
        return false;
    }
  }
  template <typename T>
  bool Store(T v) {
    if (type_ == model::FieldType::kFloat)
      words_.back() = std::bit_cast<uint64_t>(static_cast<double>(v));
    if (type_ == model::FieldType::kInteger) {
      words_.back() = static_cast<uint64_t>(static_cast<int64_t>(v));
    }
    if (type_ == model::FieldType::kUnsigned) words_.back() = static_cast<uint64_t>(v);
    return true;
  }

  model::FieldType type_ = model::FieldType::kNone;
  size_t rows_ = 0;
  std::vector<uint64_t> words_;
  std::vector<uint8_t> booleans_;
  std::vector<std::string_view> strings_;
  std::vector<uint64_t> validity_;
};

}  // namespace varve::query
