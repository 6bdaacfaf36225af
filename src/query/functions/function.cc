#include "query/functions/function.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "base/status.h"
#include "base/strings.h"
#include "query/data_type.h"

namespace varve::query {
namespace {

constexpr std::span<const Function> (*kFamilies[])() = {
    MomentFunctions,   ChoiceFunctions,      CollectingFunctions, RankedFunctions, StepFunctions,
    IntegralFunctions, HoltWintersFunctions, TechnicalFunctions,  SketchFunctions, MathFunctions,
};

const absl::flat_hash_map<absl::string_view, const Function*>& Registry() {
  static const auto* registry = [] {
    auto* made = new absl::flat_hash_map<absl::string_view, const Function*>();
    for (const auto family : kFamilies) {
      for (const Function& function : family()) {
        CHECK(made->emplace(base::ToAbsl(function.name), &function).second)
            << "two functions of one name: " << function.name;
      }
    }
    return made;
  }();
  return *registry;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  const auto at = Registry().find(base::ToAbsl(name));
  return at == Registry().end() ? nullptr : at->second;
}

const Function* FindFunction(std::string_view name, FunctionKind kind) {
  const Function* function = FindFunction(name);
  return function != nullptr && function->Is(kind) ? function : nullptr;
}

bool HasFurtherColumns(const Call& call) {
  const Function* function = FindFunction(call.name);
  return function != nullptr && function->first == FirstArgument::kRanked;
}

std::vector<const Function*> AllFunctions() {
  std::vector<const Function*> all;
  for (const auto& [name, function] : Registry()) all.push_back(function);
  std::sort(all.begin(), all.end(),
            [](const Function* a, const Function* b) { return a->name < b->name; });
  return all;
}

absl::Status CheckArgumentCount(const Function& function, const Call& call) {
  const size_t got = call.args.size();
  const size_t min = function.min_arguments;
  const size_t max = function.max_arguments;
  if (got >= min && got <= max) return absl::OkStatus();
  if (min == max) {
    return base::InvalidArgument("invalid number of arguments for ", call.name, ", expected ", min,
                                 ", got ", got);
  }
  if (max == kAnyArguments) {
    return base::InvalidArgument("invalid number of arguments for ", call.name,
                                 ", expected at least ", min, ", got ", got);
  }
  return base::InvalidArgument("invalid number of arguments for ", call.name,
                               ", expected at least ", min, " but no more than ", max, ", got ",
                               got);
}

model::FieldType ResultTypeOf(const Function& function, model::FieldType argument) {
  switch (function.gives) {
    case ResultType::kInteger:
      return model::FieldType::kInteger;
    case ResultType::kUnsigned:
      return model::FieldType::kUnsigned;
    case ResultType::kString:
      return model::FieldType::kString;
    case ResultType::kArgument:
      return argument;
    case ResultType::kFloat:
      break;
  }
  return model::FieldType::kFloat;
}

DataType ResultTypeOf(const Function& function, DataType argument) {
  if (function.gives == ResultType::kArgument) return argument;
  return DataTypeOf(ResultTypeOf(function, model::FieldType::kNone));
}

absl::Status CheckPositiveDuration(const DurationLiteral& duration) {
  if (duration.ns > 0) return absl::OkStatus();
  return base::InvalidArgument("duration argument must be positive, got ",
                               FormatDuration(duration.ns));
}

}  // namespace varve::query
