// Arithmetic on values whose type is known to be a number.
#pragma once

#include <cstdint>

#include "model/types.h"

namespace varve::query {

inline bool IsNumber(model::FieldType type) {
  return type == model::FieldType::kFloat || type == model::FieldType::kInteger ||
         type == model::FieldType::kUnsigned;
}

// `value` is a number.
inline double NumberOf(const model::FieldValue& value) {
  switch (value.type()) {
    case model::FieldType::kFloat:
      return value.as_float();
    case model::FieldType::kInteger:
      return static_cast<double>(value.as_integer());
    default:
      return static_cast<double>(value.as_unsigned());
  }
}

}  // namespace varve::query
