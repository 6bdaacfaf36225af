#include "model/column_batch.h"

#include "base/check.h"

namespace varve::model {

FieldValue ColumnVector::At(size_t row) const {
  if (type == FieldType::kNone || !IsValid(row)) return FieldValue();
  switch (type) {
    case FieldType::kFloat:
      return FieldValue::Float(floats[row]);
    case FieldType::kInteger:
      return FieldValue::Integer(integers[row]);
    case FieldType::kUnsigned:
      return FieldValue::Unsigned(unsigneds[row]);
    case FieldType::kBoolean:
      return FieldValue::Boolean(booleans[row] != 0);
    case FieldType::kString:
      return FieldValue::String(strings[row]);
    case FieldType::kNone:
      break;
  }
  return FieldValue();
}

void ColumnBuffer::Reset(FieldType type) {
  type_ = type;
  size_ = 0;
  has_null_ = false;
  floats_.clear();
  words_.clear();
  booleans_.clear();
  text_.clear();
  ends_.clear();
  validity_.clear();
}

void ColumnBuffer::AppendNull() {
  if (!has_null_) {
    has_null_ = true;
    validity_.assign(size_ / 64 + 1, ~uint64_t{0});
  }
  validity_.resize(size_ / 64 + 1, 0);
  validity_[size_ / 64] &= ~(uint64_t{1} << (size_ % 64));
  ++size_;
  switch (type_) {
    case FieldType::kBoolean:
      booleans_.push_back(0);
      break;
    case FieldType::kString:
      ends_.push_back(static_cast<uint32_t>(text_.size()));
      break;
    case FieldType::kFloat:
      floats_.push_back(0);
      break;
    case FieldType::kInteger:
    case FieldType::kUnsigned:
      words_.push_back(0);
      break;
    case FieldType::kNone:
      break;
  }
}

void ColumnBuffer::Append(const FieldValue& value) {
  if (value.is_null()) {
    AppendNull();
    return;
  }
  DCHECK(value.type() == type_);
  switch (type_) {
    case FieldType::kFloat:
      floats_.push_back(value.as_float());
      break;
    case FieldType::kInteger:
      words_.push_back(static_cast<uint64_t>(value.as_integer()));
      break;
    case FieldType::kUnsigned:
      words_.push_back(value.as_unsigned());
      break;
    case FieldType::kBoolean:
      booleans_.push_back(value.as_boolean() ? 1 : 0);
      break;
    case FieldType::kString: {
      const std::string_view text = value.as_string();
      text_.insert(text_.end(), text.begin(), text.end());
      ends_.push_back(static_cast<uint32_t>(text_.size()));
      break;
    }
    case FieldType::kNone:
      break;
  }
  if (has_null_) {
    validity_.resize(size_ / 64 + 1, 0);
    validity_[size_ / 64] |= uint64_t{1} << (size_ % 64);
  }
  ++size_;
}

ColumnVector ColumnBuffer::View() const {
  ColumnVector view;
  view.type = type_;
  view.validity = has_null_ ? validity_.data() : nullptr;
  switch (type_) {
    case FieldType::kNone:
      break;
    case FieldType::kBoolean:
      view.booleans = booleans_.data();
      break;
    case FieldType::kString: {
      strings_.clear();
      size_t start = 0;
      for (const uint32_t end : ends_) {
        strings_.emplace_back(text_.data() + start, end - start);
        start = end;
      }
      view.strings = strings_.data();
      break;
    }
    case FieldType::kFloat:
      view.floats = floats_.data();
      break;
    case FieldType::kInteger:
    case FieldType::kUnsigned:
      view.data = words_.data();
      break;
  }
  return view;
}

}  // namespace varve::model
