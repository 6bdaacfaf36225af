// The list of an IN: values of one kind, kept as written and as a set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "model/types.h"

namespace varve::query {

// Immutable: any number of threads may ask.
class ValueList {
 public:
  using Item = std::variant<bool, int64_t, uint64_t, double, std::string>;
  enum class Kind : uint8_t { kEmpty, kOfBooleans, kOfNumbers, kOfStrings };

  // INVALID_ARGUMENT when the values are not all strings, all numbers or all booleans.
  static absl::StatusOr<std::shared_ptr<const ValueList>> Make(std::vector<Item> items);

  Kind kind() const { return kind_; }
  const std::vector<Item>& items() const { return items_; }
  // The strings, each once, ascending; empty where the list is of another kind.
  const std::shared_ptr<const std::vector<std::string>>& texts() const { return texts_; }

  // Whether `value` can be in a list of this kind at all. A null cannot be in any; in an empty list
  // everything else can.
  bool Takes(const model::FieldValue& value) const;
  // Whether `value` equals an item, as `=` has it: numbers of different types by their value, an
  // integer beside a float as a float. O(1).
  bool Contains(const model::FieldValue& value) const;
  // value IN (list), or NOT IN: neither holds for what the list does not take.
  bool Holds(bool in, const model::FieldValue& value) const {
    return Takes(value) && Contains(value) == in;
  }

 private:
  explicit ValueList(std::vector<Item> items) : items_(std::move(items)) {}
  absl::Status Index();

  std::vector<Item> items_;
  Kind kind_ = Kind::kEmpty;
  std::shared_ptr<const std::vector<std::string>> texts_;
  absl::flat_hash_set<std::string> strings_;
  absl::flat_hash_set<int64_t> integers_;
  absl::flat_hash_set<uint64_t> unsigneds_;  // those no int64 holds
  absl::flat_hash_set<double> floats_;       // what was written as a float
  absl::flat_hash_set<double> as_floats_;    // every number
  bool has_false_ = false;
  bool has_true_ = false;
};

}  // namespace varve::query
