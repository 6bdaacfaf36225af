#include "http/bound_parameters.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/status.h"

namespace varve::http {
namespace {

namespace dom = simdjson::dom;
using query::ParameterValue;

absl::Status BadJson(simdjson::error_code error) {
  return base::InvalidArgument("error parsing query parameters: ", simdjson::error_message(error));
}
absl::Status CannotBind(std::string_view why) {
  return base::InvalidArgument("error parsing query: missing parameter: ", why);
}

// Go's words for a document that is no object.
absl::Status NotAnObject(dom::element_type type) {
  std::string_view name = "number";
  if (type == dom::element_type::ARRAY) name = "array";
  if (type == dom::element_type::STRING) name = "string";
  if (type == dom::element_type::BOOL) name = "bool";
  return base::InvalidArgument("error parsing query parameters: json: cannot unmarshal ", name,
                               " into Go value of type map[string]interface {}");
}

ParameterValue Number(dom::element value) {
  if (value.type() == dom::element_type::INT64) return {value.get_int64().value_unsafe(), ""};
  if (value.type() == dom::element_type::UINT64) {
    return {static_cast<double>(value.get_uint64().value_unsafe()), ""};
  }
  return {value.get_double().value_unsafe(), ""};
}

// {"regex": "..."} and its like: one member whose name says how to read its value.
absl::StatusOr<ParameterValue> ObjectValue(dom::object object) {
  if (object.size() != 1) {
    return CannotBind("bound object parameter value must have exactly one entry");
  }
  const auto member = *object.begin();
  const std::string kind(member.key);
  const dom::element value = member.value;
  const bool is_text = value.is_string();
  const bool is_number = value.is_number();
  ParameterValue result;
  if (is_text) result.value = std::string(value.get_string().value_unsafe());
  if (is_number) result = Number(value);
  result.kind = kind;
  if (kind == "identifier" || kind == "ident") {
    result.kind = "identifier";
    if (!is_text) return CannotBind("identifier must be a string value");
  } else if (kind == "regex") {
    if (!is_text) return CannotBind("regex literal must be a string value");
  } else if (kind == "string") {
    if (!is_text) return CannotBind("string literal must be a string value");
    result.kind.clear();
  } else if (kind == "float") {
    if (!is_number) return CannotBind("number literal must be a float value");
    if (const auto* integer = std::get_if<int64_t>(&result.value)) {
      result.value = static_cast<double>(*integer);
    }
    result.kind.clear();
  } else if (kind == "integer") {
    if (!is_number) return CannotBind("integer literal must be an integer value");
    if (const auto* number = std::get_if<double>(&result.value)) {
      if (!(*number > -9.2e18 && *number < 9.2e18)) {
        return CannotBind("integer literal must be an integer value");
      }
      result.value = static_cast<int64_t>(*number);
    }
    result.kind.clear();
  } else if (kind == "duration") {
    if (!is_text && !value.is_int64()) {
      return CannotBind("duration literal must be a string or integer value");
    }
  } else {
    return CannotBind(base::StrCat("unknown bind object type: ", kind));
  }
  return result;
}

// The list of an IN: its items stand for themselves.
absl::StatusOr<ParameterValue> ListValue(dom::array array) {
  std::vector<ParameterValue> items;
  for (const dom::element item : array) {
    if (item.is_string()) {
      items.push_back({std::string(item.get_string().value_unsafe()), ""});
    } else if (item.is_bool()) {
      items.push_back({item.get_bool().value_unsafe(), ""});
    } else if (item.is_number()) {
      items.push_back(Number(item));
    } else {
      return CannotBind("a list holds strings, numbers or booleans only");
    }
  }
  return ParameterValue{std::move(items), ""};
}

absl::StatusOr<ParameterValue> Value(dom::element value) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return ParameterValue{std::string(value.get_string().value_unsafe()), ""};
    case dom::element_type::BOOL:
      return ParameterValue{value.get_bool().value_unsafe(), ""};
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      return Number(value);
    case dom::element_type::OBJECT:
      return ObjectValue(value.get_object().value_unsafe());
    case dom::element_type::ARRAY:
      return ListValue(value.get_array().value_unsafe());
    case dom::element_type::NULL_VALUE:
      break;
  }
  return CannotBind("unable to bind parameter with type <nil>");
}

// InfluxDB reads the numbers of parameters from their text: without a point they must be integers
// of 64 bits, so 1e3 is refused. `json` parses.
absl::Status CheckNumbers(std::string_view json) {
  int depth = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == '"') {
      for (++i; i < json.size() && json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
    }
    if (depth != 1 || (c != '-' && (c < '0' || c > '9'))) continue;
    const size_t end = std::min(json.find_first_not_of("0123456789+-.eE", i), json.size());
    const std::string_view number = json.substr(i, end - i);
    i = end - 1;
    if (number.find('.') != std::string_view::npos) continue;
    int64_t value = 0;
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc() && rest == number.data() + number.size()) continue;
    return base::InvalidArgument(
        "error parsing json value: strconv.ParseInt: parsing \"", number,
        error == std::errc::result_out_of_range ? "\": value out of range" : "\": invalid syntax");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<query::Parameters> ParseBoundParameters(std::string_view json) {
  query::Parameters parameters;
  dom::parser parser;
  dom::element document;
  // The copy is what simdjson pads; parameters are short.
  if (const auto error = parser.parse(json.data(), json.size(), true).get(document)) {
    return BadJson(error);
  }
  if (document.is_null()) return parameters;
  dom::object object;
  if (document.get_object().get(object)) return NotAnObject(document.type());
  RETURN_IF_ERROR(CheckNumbers(json));
  for (const auto member : object) {
    ASSIGN_OR_RETURN(parameters[std::string(member.key)], Value(member.value));
  }
  return parameters;
}

}  // namespace varve::http
