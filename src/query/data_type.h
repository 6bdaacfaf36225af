// The types of InfluxQL beside those that are stored.
#pragma once

#include "model/types.h"
#include "query/ast.h"

namespace varve::query {

// kNone for what is not stored: tags, times, durations, and what is not known.
constexpr model::FieldType FieldTypeOf(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return model::FieldType::kFloat;
    case DataType::kInteger:
      return model::FieldType::kInteger;
    case DataType::kUnsigned:
      return model::FieldType::kUnsigned;
    case DataType::kString:
      return model::FieldType::kString;
    case DataType::kBoolean:
      return model::FieldType::kBoolean;
    default:
      return model::FieldType::kNone;
  }
}

// kUnknown for kNone.
constexpr DataType DataTypeOf(model::FieldType type) {
  switch (type) {
    case model::FieldType::kFloat:
      return DataType::kFloat;
    case model::FieldType::kInteger:
      return DataType::kInteger;
    case model::FieldType::kUnsigned:
      return DataType::kUnsigned;
    case model::FieldType::kString:
      return DataType::kString;
    case model::FieldType::kBoolean:
      return DataType::kBoolean;
    default:
      return DataType::kUnknown;
  }
}

}  // namespace varve::query
