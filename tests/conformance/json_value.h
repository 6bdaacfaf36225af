// JSON values that can be changed and compared the way run.py compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace varve::conformance {

class Json;
using JsonList = std::vector<Json>;
using JsonMap = std::vector<std::pair<std::string, Json>>;  // in the order of the text

class Json {
 public:
  Json() = default;
  template <typename T>
  explicit Json(T v) : value(std::move(v)) {}

  std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, JsonList, JsonMap>
      value = nullptr;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&value);
  }
  template <typename T>
  T* As() {
    return std::get_if<T>(&value);
  }
  // A member of a map, or null.
  const Json* Find(std::string_view key) const;
  Json* Find(std::string_view key);
  void Set(std::string_view key, Json v);
  void Remove(std::string_view key);
  std::string Text(std::string_view key) const;  // a member that is a string, or ""
  bool IsTrue(std::string_view key) const;       // a member that is true

  // The value on one line, keys sorted.
  std::string Dump() const;

  friend bool operator==(const Json& a, const Json& b) { return a.value == b.value; }
};

// Nullopt: `text` is no JSON.
std::optional<Json> ParseJson(std::string_view text);
std::optional<Json> ReadJsonFile(const std::string& path);

struct Tolerance {
  double relative = 1e-9;
  double absolute = 0;
};
// Says what first differs, or nothing. Integers must be equal, floats near; a float that was
// written without a point counts as a float.
std::optional<std::string> Difference(const Json& want, const Json& got, const Tolerance& tolerance,
                                      const std::string& where);

}  // namespace varve::conformance
