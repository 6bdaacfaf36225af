// A condition on tags, evaluated as bitmap algebra.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace varve::index {

// A compiled RE2 expression, as InfluxDB's are (unanchored search). Shared, immutable, thread-safe.
class TagRegex {
 public:
  // INVALID_ARGUMENT with InfluxDB's (Go's) words: "error parsing regexp: missing closing ): `a(`".
  static absl::StatusOr<std::shared_ptr<const TagRegex>> Compile(std::string_view pattern);
  virtual ~TagRegex() = default;
  virtual bool Matches(std::string_view text) const = 0;
  virtual const std::string& pattern() const = 0;
  // When the expression is a plain choice of whole values, as `^(a|b)$` is: those values, so that
  // an index can look them up. Null otherwise.
  virtual const std::vector<std::string>* alternatives() const = 0;
};

// A tree. A missing tag has the value "": `key = ''` finds series without the tag, and
// `key != 'x'` and a regular expression that matches "" hold for them.
struct TagPredicate {
  enum class Kind {
    kAll,    // every series
    kNone,   // no series
    kAnd,    // every child holds
    kOr,     // some child holds
    kEqual,  // tag(key) == value
    kNotEqual,
    kMatch,  // regex->Matches(tag(key))
    kNotMatch,
    kOneOf,  // values holds tag(key)
    kNoneOf,
  };
  Kind kind = Kind::kAll;
  std::vector<TagPredicate> children;
  std::string key;
  std::string value;
  std::shared_ptr<const TagRegex> regex;
  std::shared_ptr<const std::vector<std::string>> values;  // each once

  static TagPredicate All() { return {}; }
  static TagPredicate None() { return {.kind = Kind::kNone}; }
  static TagPredicate And(std::vector<TagPredicate> children) {
    return {.kind = Kind::kAnd, .children = std::move(children)};
  }
  static TagPredicate Or(std::vector<TagPredicate> children) {
    return {.kind = Kind::kOr, .children = std::move(children)};
  }
  static TagPredicate Compare(Kind kind, std::string key, std::string value) {
    return {.kind = kind, .key = std::move(key), .value = std::move(value)};
  }
  static TagPredicate Regex(Kind kind, std::string key, std::shared_ptr<const TagRegex> regex) {
    return {.kind = kind, .key = std::move(key), .regex = std::move(regex)};
  }
  static TagPredicate List(Kind kind, std::string key,
                           std::shared_ptr<const std::vector<std::string>> values) {
    return {.kind = kind, .key = std::move(key), .values = std::move(values)};
  }
};

}  // namespace varve::index
