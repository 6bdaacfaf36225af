#include "model/line_number.h"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "model/value_coding.h"

namespace varve::model {
namespace {

using Error = std::optional<std::string>;  // empty: no error

constexpr std::string_view kInvalidNumber = "invalid number";

bool IsDigitOrPoint(char c) { return (c >= '0' && c <= '9') || c == '.'; }

// What the characters of a number are, before its value is looked at.
struct Shape {
  bool integer = false;  // an "i" was seen
  bool decimal = false;  // a point was seen
  bool scientific = false;
};

// False: a character is out of place.
bool ScanShape(std::string_view text, Shape* shape) {
  for (size_t i = text.starts_with('-') ? 1 : 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == 'i' && i > 0 && !shape->integer) {
      shape->integer = true;
    } else if (i > 0 && (c == 'e' || c == 'E')) {
      shape->scientific = true;
    } else if (i > 0 && (c == '+' || c == '-') && (text[i - 1] == 'e' || text[i - 1] == 'E')) {
      continue;
    } else if (!IsDigitOrPoint(c) || (c == '.' && shape->decimal)) {
      return false;
    } else if (c == '.') {
      shape->decimal = true;
    }
  }
  return true;
}

// Go's strconv.ParseFloat. False: not the whole text is a number, or it is too large.
bool ParseFloat(std::string_view text, double* value) {
  const char* end = text.data() + text.size();
  const auto result = fast_float::from_chars(text.data(), end, *value);
  if (result.ptr != end) return false;
  return result.ec != std::errc::invalid_argument && !std::isinf(*value);
}

uint8_t DecimalsOf(std::string_view text) {
  const size_t point = text.find('.');
  const size_t decimals = point == std::string_view::npos ? 0 : text.size() - point - 1;
  return static_cast<uint8_t>(std::min<size_t>(decimals, kRawFloat));
}

}  // namespace

bool StartsNumber(std::string_view text) {
  if (text.empty()) return false;
  return IsDigitOrPoint(text[0]) || text[0] == '-' || text[0] == 'N' || text[0] == 'n';
}

Error CheckNumber(std::string_view text) {
  Shape shape;
  if (!ScanShape(text, &shape)) return std::string(kInvalidNumber);
  if (shape.integer && (shape.decimal || shape.scientific)) return std::string(kInvalidNumber);
  const size_t marks =
      (shape.integer ? 1U : 0U) + (shape.decimal ? 1U : 0U) + (text.starts_with('-') ? 1U : 0U);
  if (text.size() <= marks) return std::string(kInvalidNumber);
  if (shape.integer) {
    if (text.back() != 'i') return std::string(kInvalidNumber);
    const std::string_view digits = text.substr(0, text.size() - 1);
    int64_t value;
    if (Error error = ParseInteger(digits, &value)) {
      return base::StrCat("unable to parse integer ", digits, ": ", *error);
    }
    return std::nullopt;
  }
  double value;
  if (!ParseFloat(text, &value)) return "invalid float";
  return std::nullopt;
}

bool ParseNumber(std::string_view text, FieldValue* value) {
  if (text.ends_with('i')) {
    int64_t integer;
    if (ParseInteger(text.substr(0, text.size() - 1), &integer)) return false;
    *value = FieldValue::Integer(integer);
    return true;
  }
  double number;
  // fast_float takes "nan" and "inf", which no number of ours starts like.
  if (text.empty() || (!IsDigitOrPoint(text[0]) && text[0] != '-')) return false;
  if (text.size() > 1 && !IsDigitOrPoint(text[1]) && text[0] == '-') return false;
  if (!ParseFloat(text, &number)) return false;
  *value = FieldValue::Float(number, DecimalsOf(text));
  return true;
}

Error ParseInteger(std::string_view text, int64_t* value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (result.ec == std::errc::invalid_argument || result.ptr != text.data() + text.size()) {
    return base::StrCat("strconv.ParseInt: parsing \"", text, "\": invalid syntax");
  }
  if (result.ec == std::errc::result_out_of_range) {
    return base::StrCat("strconv.ParseInt: parsing \"", text, "\": value out of range");
  }
  return std::nullopt;
}

}  // namespace varve::model
