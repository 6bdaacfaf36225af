#include "model/types.h"

namespace varve::model {

std::string_view FieldTypeName(FieldType type) {
  switch (type) {
    case FieldType::kFloat:
      return "float";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kUnsigned:
      return "unsigned";
    case FieldType::kBoolean:
      return "boolean";
    case FieldType::kString:
      return "string";
    case FieldType::kNone:
      break;
  }
  return "unknown";
}

bool operator==(const FieldValue& a, const FieldValue& b) {
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case FieldType::kNone:
      return true;
    case FieldType::kBoolean:
      return a.boolean_ == b.boolean_;
    case FieldType::kString:
      return a.as_string() == b.as_string();
    default:
      return a.unsigned_ == b.unsigned_;  // all 64 bits, whatever they mean
  }
}

}  // namespace varve::model
