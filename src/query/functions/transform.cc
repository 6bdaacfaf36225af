#include "query/functions/transform.h"

#include <array>

#include "base/status.h"

namespace varve::query {
namespace {

using model::FieldType;

enum class Takes : uint8_t { kNumbers, kAnything };
enum class Gives : uint8_t { kFloat, kSame, kInteger };

struct Row {
  std::string_view name;
  TransformFunction* function;
  std::string_view title;  // in "unsupported ... iterator type"
  Takes takes;
  Gives gives;
};

constexpr std::array<Row, 18> kTable = {{
    {"chande_momentum_oscillator", ChandeMomentumOscillator, "chande momentum oscillator",
     Takes::kNumbers, Gives::kFloat},
    {"cumulative_sum", CumulativeSum, "cumulative sum", Takes::kNumbers, Gives::kSame},
    {"derivative", Derivative, "derivative", Takes::kNumbers, Gives::kFloat},
    {"difference", Difference, "difference", Takes::kNumbers, Gives::kSame},
    {"double_exponential_moving_average", DoubleExponentialMovingAverage,
     "double exponential moving average", Takes::kNumbers, Gives::kFloat},
    {"elapsed", Elapsed, "elapsed", Takes::kAnything, Gives::kInteger},
    {"exponential_moving_average", ExponentialMovingAverage, "exponential moving average",
     Takes::kNumbers, Gives::kFloat},
    {"holt_winters", HoltWinters, "elapsed", Takes::kNumbers, Gives::kFloat},
    {"holt_winters_with_fit", HoltWinters, "elapsed", Takes::kNumbers, Gives::kFloat},
    {"integral", Integral, "integral", Takes::kNumbers, Gives::kFloat},
    {"kaufmans_adaptive_moving_average", KaufmansAdaptiveMovingAverage,
     "kaufmans adaptive moving average", Takes::kNumbers, Gives::kFloat},
    {"kaufmans_efficiency_ratio", KaufmansEfficiencyRatio, "kaufmans efficiency ratio",
     Takes::kNumbers, Gives::kFloat},
    {"moving_average", MovingAverage, "moving average", Takes::kNumbers, Gives::kFloat},
    {"non_negative_derivative", NonNegativeDerivative, "derivative", Takes::kNumbers,
     Gives::kFloat},
    {"non_negative_difference", NonNegativeDifference, "difference", Takes::kNumbers, Gives::kSame},
    {"relative_strength_index", RelativeStrengthIndex, "relative strength index", Takes::kNumbers,
     Gives::kFloat},
    {"triple_exponential_derivative", TripleExponentialDerivative, "triple exponential derivative",
     Takes::kNumbers, Gives::kFloat},
    {"triple_exponential_moving_average", TripleExponentialMovingAverage,
     "triple exponential moving average", Takes::kNumbers, Gives::kFloat},
}};

const Row* Find(std::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool IsNumber(FieldType type) {
  return type == FieldType::kFloat || type == FieldType::kInteger || type == FieldType::kUnsigned;
}

}  // namespace

bool IsTransformation(std::string_view name) { return Find(name) != nullptr; }

absl::StatusOr<FieldType> TransformType(const Call& call, FieldType input) {
  const Row* row = Find(call.name);
  if (row->takes == Takes::kNumbers && !IsNumber(input)) {
    return base::InvalidArgument("unsupported ", row->title, " iterator type: *query.",
                                 model::FieldTypeName(input), "InterruptIterator");
  }
  switch (row->gives) {
    case Gives::kSame:
      return input;
    case Gives::kInteger:
      return FieldType::kInteger;
    case Gives::kFloat:
      break;
  }
  return FieldType::kFloat;
}

absl::StatusOr<Points> Transform(const TransformContext& context, const Points& input) {
  RETURN_IF_ERROR(TransformType(*context.call, context.type).status());
  return Find(context.call->name)->function(context, input);
}

}  // namespace varve::query
