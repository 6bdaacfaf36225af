#include "query/value_list.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

ValueList::Kind KindOf(const ValueList::Item& item) {
  if (std::holds_alternative<bool>(item)) return ValueList::Kind::kOfBooleans;
  if (std::holds_alternative<std::string>(item)) return ValueList::Kind::kOfStrings;
  return ValueList::Kind::kOfNumbers;
}

std::string_view KindName(ValueList::Kind kind) {
  switch (kind) {
    case ValueList::Kind::kOfBooleans:
      return "booleans";
    case ValueList::Kind::kOfNumbers:
      return "numbers";
    default:
      return "strings";
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ValueList>> ValueList::Make(std::vector<Item> items) {
  std::shared_ptr<ValueList> list(new ValueList(std::move(items)));
  RETURN_IF_ERROR(list->Index());
  return std::shared_ptr<const ValueList>(std::move(list));
}

absl::Status ValueList::Index() {
  if (!items_.empty()) kind_ = KindOf(items_.front());
  for (const Item& item : items_) {
    if (KindOf(item) != kind_) {
      return base::InvalidArgument("IN takes values of one kind; its list mixes ", KindName(kind_),
                                   " and ", KindName(KindOf(item)));
    }
    if (const auto* boolean = std::get_if<bool>(&item)) {
      (*boolean ? has_true_ : has_false_) = true;
    } else if (const auto* text = std::get_if<std::string>(&item)) {
      strings_.insert(*text);
    } else if (const auto* integer = std::get_if<int64_t>(&item)) {
      integers_.insert(*integer);
      as_floats_.insert(static_cast<double>(*integer));
    } else if (const auto* large = std::get_if<uint64_t>(&item)) {
      if (*large <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        integers_.insert(static_cast<int64_t>(*large));
      } else {
        unsigneds_.insert(*large);
      }
      as_floats_.insert(static_cast<double>(*large));
    } else {
      floats_.insert(std::get<double>(item));
      as_floats_.insert(std::get<double>(item));
    }
  }
  auto texts = std::make_shared<std::vector<std::string>>(strings_.begin(), strings_.end());
  std::sort(texts->begin(), texts->end());
  texts_ = std::move(texts);
  return absl::OkStatus();
}

bool ValueList::Takes(const FieldValue& value) const {
  switch (value.type()) {
    case FieldType::kNone:
      return false;
    case FieldType::kBoolean:
      return kind_ == Kind::kOfBooleans || kind_ == Kind::kEmpty;
    case FieldType::kString:
      return kind_ == Kind::kOfStrings || kind_ == Kind::kEmpty;
    default:
      return kind_ == Kind::kOfNumbers || kind_ == Kind::kEmpty;
  }
}

bool ValueList::Contains(const FieldValue& value) const {
  switch (value.type()) {
    case FieldType::kNone:
      return false;
    case FieldType::kBoolean:
      return value.as_boolean() ? has_true_ : has_false_;
    case FieldType::kString:
      return strings_.contains(base::ToAbsl(value.as_string()));
    case FieldType::kFloat:
      return as_floats_.contains(value.as_float());
    case FieldType::kInteger:
      return integers_.contains(value.as_integer()) ||
             (!floats_.empty() && floats_.contains(static_cast<double>(value.as_integer())));
    case FieldType::kUnsigned: {
      const uint64_t number = value.as_unsigned();
      const bool fits = number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      return (fits ? integers_.contains(static_cast<int64_t>(number))
                   : unsigneds_.contains(number)) ||
             (!floats_.empty() && floats_.contains(static_cast<double>(number)));
    }
  }
  return false;
}

}  // namespace varve::query
