#include "tests/conformance/json_value.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>

#include "base/strings.h"

namespace varve::conformance {
namespace {

namespace dom = simdjson::dom;
using base::StrCat;

Json Convert(dom::element element) {
  switch (element.type()) {
    case dom::element_type::BOOL:
      return Json(bool(element));
    case dom::element_type::INT64:
      return Json(int64_t(element));
    case dom::element_type::UINT64:
      return Json(uint64_t(element));
    case dom::element_type::DOUBLE:
      return Json(double(element));
    case dom::element_type::STRING:
      return Json(std::string(std::string_view(element)));
    case dom::element_type::ARRAY: {
      JsonList list;
      for (const dom::element item : dom::array(element)) list.push_back(Convert(item));
      return Json(std::move(list));
    }
    case dom::element_type::OBJECT: {
      JsonMap map;
      for (const auto& [key, value] : dom::object(element)) {
        map.emplace_back(std::string(key), Convert(value));
      }
      return Json(std::move(map));
    }
    case dom::element_type::NULL_VALUE:
      break;
  }
  return Json();
}

// simdjson refuses integers beyond 64 bits, which is how a large float may be written: they get a
// fraction.
std::string WithReadableIntegers(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  const auto is_number = [&](size_t i) {
    constexpr std::string_view kCharacters = "0123456789+-.eE";
    return i < text.size() && kCharacters.find(text[i]) != kCharacters.npos;
  };
  bool quoted = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (quoted || !is_number(i)) {
      if (c == '"') quoted = !quoted;
      out.push_back(c);
      if (quoted && c == '\\' && i + 1 < text.size()) out.push_back(text[++i]);
      ++i;
      continue;
    }
    size_t end = i;
    while (is_number(end)) ++end;
    const std::string_view number = text.substr(i, end - i);
    int64_t integer = 0;
    uint64_t large = 0;
    const char* last = number.data() + number.size();
    out += number;
    if (number.find_first_of(".eE") == number.npos &&
        std::from_chars(number.data(), last, integer).ec != std::errc() &&
        std::from_chars(number.data(), last, large).ec != std::errc()) {
      out += ".0";
    }
    i = end;
  }
  return out;
}

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out->push_back('\\');
    if (c == '\n') {
      *out += "\\n";
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

bool IsNumber(const Json& json) {
  return json.As<int64_t>() != nullptr || json.As<uint64_t>() != nullptr ||
         json.As<double>() != nullptr;
}
double ToDouble(const Json& json) {
  if (const auto* integer = json.As<int64_t>()) return static_cast<double>(*integer);
  if (const auto* large = json.As<uint64_t>()) return static_cast<double>(*large);
  return *json.As<double>();
}

bool IsClose(double a, double b, double relative, double absolute) {
  return a == b ||
         std::fabs(a - b) <= std::max(relative * std::max(std::fabs(a), std::fabs(b)), absolute);
}

// A large integer whose digits are the shortest ones of a float, padded with zeros.
bool IsFloatInDisguise(const Json& json) {
  const double value = ToDouble(json);
  char buffer[400];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string digits;
  for (const char* c = buffer; c != end.ptr && *c != 'e'; ++c) {
    if (*c >= '0' && *c <= '9') digits.push_back(*c);
  }
  std::string text = json.Dump();
  if (text[0] == '-') text.erase(0, 1);
  if (digits.size() > text.size()) return false;
  digits.resize(text.size(), '0');
  return digits == text;
}

bool SameNumber(const Json& want, const Json& got, const Tolerance& tolerance, bool is_time) {
  const bool want_integer = want.As<double>() == nullptr;
  const bool got_integer = got.As<double>() == nullptr;
  if (want_integer && got_integer && want.value == got.value) return true;
  const double a = ToDouble(want);
  const double b = ToDouble(got);
  if (want_integer && std::fabs(a) > 9007199254740992.0) {
    if (got_integer && (is_time || !IsFloatInDisguise(want))) return false;
    return IsClose(a, b, 1e-15, 0);
  }
  if (want_integer && got_integer) return false;
  return IsClose(a, b, tolerance.relative, tolerance.absolute);
}

bool EndsWithFirstCell(std::string_view where) {
  return where.size() >= 4 && where.substr(where.size() - 4) == "][0]";
}

std::string Brief(const Json& json) {
  std::string text = json.Dump();
  if (text.size() > 300) text.resize(300);
  return text;
}

}  // namespace

const Json* Json::Find(std::string_view key) const {
  const auto* map = As<JsonMap>();
  if (map == nullptr) return nullptr;
  for (const auto& [name, v] : *map) {
    if (name == key) return &v;
  }
  return nullptr;
}

Json* Json::Find(std::string_view key) {
  return const_cast<Json*>(static_cast<const Json*>(this)->Find(key));
}

void Json::Set(std::string_view key, Json v) {
  if (As<JsonMap>() == nullptr) value = JsonMap();
  if (Json* old = Find(key)) {
    *old = std::move(v);
  } else {
    As<JsonMap>()->emplace_back(std::string(key), std::move(v));
  }
}

void Json::Remove(std::string_view key) {
  if (auto* map = As<JsonMap>()) {
    std::erase_if(*map, [&](const auto& entry) { return entry.first == key; });
  }
}

std::string Json::Text(std::string_view key) const {
  const Json* found = Find(key);
  const auto* text = found == nullptr ? nullptr : found->As<std::string>();
  return text == nullptr ? "" : *text;
}

bool Json::IsTrue(std::string_view key) const {
  const Json* found = Find(key);
  const auto* boolean = found == nullptr ? nullptr : found->As<bool>();
  return boolean != nullptr && *boolean;
}

std::string Json::Dump() const {
  if (const auto* boolean = As<bool>()) return *boolean ? "true" : "false";
  if (const auto* integer = As<int64_t>()) return StrCat(*integer);
  if (const auto* large = As<uint64_t>()) return StrCat(*large);
  if (const auto* number = As<double>()) return StrCat(*number);
  std::string out;
  if (const auto* text = As<std::string>()) {
    AppendQuoted(*text, &out);
    return out;
  }
  if (const auto* list = As<JsonList>()) {
    out = "[";
    for (const Json& item : *list) base::StrAppend(out, out.size() > 1 ? ", " : "", item.Dump());
    return out + "]";
  }
  if (const auto* map = As<JsonMap>()) {
    std::vector<const std::pair<std::string, Json>*> entries;
    for (const auto& entry : *map) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    out = "{";
    for (const auto* entry : entries) {
      if (out.size() > 1) out += ", ";
      AppendQuoted(entry->first, &out);
      base::StrAppend(out, ": ", entry->second.Dump());
    }
    return out + "}";
  }
  return "null";
}

std::optional<Json> ParseJson(std::string_view text) {
  const std::string readable = WithReadableIntegers(text);
  dom::parser parser;
  dom::element root;
  if (parser.parse(readable).get(root) != simdjson::SUCCESS) return std::nullopt;
  return Convert(root);
}

std::optional<Json> ReadJsonFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return ParseJson(text);
}

std::optional<std::string> Difference(const Json& want, const Json& got, const Tolerance& tolerance,
                                      const std::string& where) {
  if (IsNumber(want) && IsNumber(got)) {
    if (SameNumber(want, got, tolerance, EndsWithFirstCell(where))) return std::nullopt;
    return StrCat(where, ": expected ", want.Dump(), ", got ", got.Dump());
  }
  const auto* want_map = want.As<JsonMap>();
  const auto* got_map = got.As<JsonMap>();
  if (want_map != nullptr && got_map != nullptr) {
    for (const auto& [key, v] : *want_map) {
      if (got.Find(key) == nullptr) {
        return StrCat(where, ": key ", key, " is missing; got ", Brief(got));
      }
    }
    for (const auto& [key, v] : *got_map) {
      if (want.Find(key) == nullptr) {
        return StrCat(where, ": unexpected key ", key, " = ", Brief(v));
      }
    }
    for (const auto& [key, v] : *want_map) {
      if (auto found = Difference(v, *got.Find(key), tolerance, StrCat(where, ".", key))) {
        return found;
      }
    }
    return std::nullopt;
  }
  const auto* want_list = want.As<JsonList>();
  const auto* got_list = got.As<JsonList>();
  if (want_list != nullptr && got_list != nullptr) {
    for (size_t i = 0; i < want_list->size() && i < got_list->size(); ++i) {
      auto found =
          Difference((*want_list)[i], (*got_list)[i], tolerance, StrCat(where, "[", i, "]"));
      if (found) return found;
    }
    if (want_list->size() == got_list->size()) return std::nullopt;
    return StrCat(where, ": expected ", want_list->size(), " items, got ", got_list->size());
  }
  if (want.value.index() == got.value.index() && want.Dump() == got.Dump()) return std::nullopt;
  return StrCat(where, ": expected ", Brief(want), ", got ", Brief(got));
}

}  // namespace varve::conformance
