// A row of an answer as HAVING and ORDER BY see it: values, then tags of its group.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/shape.h"

namespace varve::query {

// One thread at a time.
class ShapedRow {
 public:
  explicit ShapedRow(const RowShape& shape)
      : shape_(shape),
        width_(shape.width + shape.hidden.size()),
        texts_(shape.tags.size()),
        row_(width_ + shape.tags.size()) {}

  // The rows that follow belong to a group with these tags.
  void SetTags(const TagPairs& tags) {
    for (size_t i = 0; i < texts_.size(); ++i) {
      texts_[i].clear();
      for (const auto& [key, value] : tags) {
        if (key == shape_.tags[i]) texts_[i] = value;
      }
      row_[width_ + i] = model::FieldValue::String(texts_[i]);
    }
  }
  // The columns of a row, hidden ones included; the result is valid until the next call.
  std::span<const model::FieldValue> Of(const model::FieldValue* values) {
    std::copy(values, values + width_, row_.begin());
    return row_;
  }
  size_t width() const { return width_; }

 private:
  const RowShape& shape_;
  size_t width_;
  std::vector<std::string> texts_;
  std::vector<model::FieldValue> row_;
};

}  // namespace varve::query
