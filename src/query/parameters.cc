#include <simdjson.h>

#include <algorithm>

#include "base/status.h"
#include "query/parser.h"

namespace varve::query {
namespace {

namespace dom = simdjson::dom;

ParameterValue Refuse(std::string why) { return {std::move(why), "error"}; }

// {"kind": value}: says how the value is to be read.
ParameterValue BindObject(const dom::object& object) {
  if (object.size() != 1) {
    return Refuse("bound object parameter value must have exactly one entry");
  }
  const dom::key_value_pair entry = *object.begin();
  const std::string kind(entry.key);
  std::string_view text;
  const bool is_text = entry.value.get(text) == simdjson::SUCCESS;
  if (kind == "ident" || kind == "identifier") {
    return is_text ? ParameterValue{std::string(text), "identifier"}
                   : Refuse("identifier must be a string value");
  }
  if (kind == "regex" || kind == "string") {
    return is_text ? ParameterValue{std::string(text), kind}
                   : Refuse(base::StrCat(kind, " literal must be a string value"));
  }
  if (kind == "float") {
    double number = 0;
    return entry.value.get(number) == simdjson::SUCCESS ? ParameterValue{number, ""}
                                                        : Refuse("float must be a float value");
  }
  if (kind == "integer") {
    int64_t integer = 0;
    return entry.value.get(integer) == simdjson::SUCCESS
               ? ParameterValue{integer, ""}
               : Refuse("integer must be an integer value");
  }
  if (kind == "duration") {
    int64_t ns = 0;
    if (entry.value.get(ns) == simdjson::SUCCESS) return {FormatDuration(ns), "duration"};
    return is_text ? ParameterValue{std::string(text), "duration"}
                   : Refuse("duration must be a string or integer value");
  }
  return Refuse(base::StrCat("unknown bind object type: ", kind));
}

ParameterValue BindValue(const dom::element& element) {
  switch (element.type()) {
    case dom::element_type::BOOL:
      return {bool(element), ""};
    case dom::element_type::INT64:
      return {int64_t(element), ""};
    case dom::element_type::UINT64:
      return Refuse("integer value out of range");
    case dom::element_type::DOUBLE:
      return {double(element), ""};
    case dom::element_type::STRING:
      return {std::string(std::string_view(element)), ""};
    case dom::element_type::OBJECT:
      return BindObject(dom::object(element));
    case dom::element_type::ARRAY:
      return Refuse("unable to bind parameter with type []interface {}");
    case dom::element_type::NULL_VALUE:
      break;
  }
  return Refuse("unable to bind parameter with type <nil>");
}

absl::StatusOr<Parameters> Bind(std::string_view json) {
  dom::parser parser;
  dom::element root;
  const auto refuse = [](std::string_view why) {
    return base::InvalidArgument("error parsing query parameters: ", why);
  };
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return refuse(simdjson::error_message(error));
  }
  Parameters parameters;
  if (root.is_null()) return parameters;
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return refuse("json: cannot unmarshal into Go value of type map[string]interface {}");
  }
  for (const dom::key_value_pair& entry : object) {
    parameters[std::string(entry.key)] = BindValue(entry.value);
  }
  return parameters;
}

}  // namespace

absl::StatusOr<Parameters> ParseParameters(std::string_view json) {
  if (json.empty()) return Parameters();
  try {
    return Bind(json);
  } catch (const simdjson::simdjson_error& error) {
    return base::InvalidArgument("error parsing query parameters: ", error.what());
  }
}

}  // namespace varve::query
