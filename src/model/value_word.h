// Values of fixed size as 64-bit words: floats, integers and unsigneds as their bits, booleans as 0
// or 1. What a string's word is, its holder decides.
#pragma once

#include <bit>
#include <cstdint>

#include "model/types.h"

namespace varve::model {

// Null for kString and kNone.
inline FieldValue ValueOfWord(FieldType type, uint64_t word) {
  switch (type) {
    case FieldType::kFloat:
      return FieldValue::Float(std::bit_cast<double>(word));
    case FieldType::kInteger:
      return FieldValue::Integer(static_cast<int64_t>(word));
    case FieldType::kUnsigned:
      return FieldValue::Unsigned(word);
    case FieldType::kBoolean:
      return FieldValue::Boolean(word != 0);
    case FieldType::kString:
    case FieldType::kNone:
      break;
  }
  return {};
}

// 0 for strings and null.
inline uint64_t WordOfValue(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      return std::bit_cast<uint64_t>(value.as_float());
    case FieldType::kInteger:
      return static_cast<uint64_t>(value.as_integer());
    case FieldType::kUnsigned:
      return value.as_unsigned();
    case FieldType::kBoolean:
      return value.as_boolean() ? 1 : 0;
    case FieldType::kString:
    case FieldType::kNone:
      break;
  }
  return 0;
}

}  // namespace varve::model
