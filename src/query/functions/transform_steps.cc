// derivative, difference, elapsed, cumulative_sum, moving_average: one pass, a few words of state.
#include <vector>

#include "base/status.h"
#include "query/compile.h"
#include "query/functions/function.h"
#include "query/functions/numbers.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// Integers wrap around, as Go's do.
FieldValue Minus(const FieldValue& a, const FieldValue& b) {
  if (a.type() == FieldType::kFloat) return FieldValue::Float(a.as_float() - b.as_float());
  if (a.type() == FieldType::kInteger) {
    return FieldValue::Integer(static_cast<int64_t>(static_cast<uint64_t>(a.as_integer()) -
                                                    static_cast<uint64_t>(b.as_integer())));
  }
  return FieldValue::Unsigned(a.as_unsigned() - b.as_unsigned());
}
FieldValue Plus(const FieldValue& a, const FieldValue& b) {
  if (a.type() == FieldType::kFloat) return FieldValue::Float(a.as_float() + b.as_float());
  if (a.type() == FieldType::kInteger) {
    return FieldValue::Integer(static_cast<int64_t>(static_cast<uint64_t>(a.as_integer()) +
                                                    static_cast<uint64_t>(b.as_integer())));
  }
  return FieldValue::Unsigned(a.as_unsigned() + b.as_unsigned());
}

// Calls f(previous index, index) for neighbours. Of points of one instant (of different series)
// only the first counts.
template <typename F>
void ForEachStep(const Points& input, F&& f) {
  constexpr size_t kNone = SIZE_MAX;
  size_t previous = kNone;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input.values[i].is_null()) continue;
    if (previous != kNone && input.times[previous] == input.times[i]) continue;
    if (previous != kNone) f(previous, i);
    previous = i;
  }
}

int64_t DurationArgument(const TransformContext& context, int64_t otherwise) {
  if (context.call->args.size() < 2) return otherwise;
  return context.call->args[1]->As<DurationLiteral>()->ns;
}

template <bool kNonNegative>
Points Derivative(const TransformContext& context, const Points& input) {
  // A month is no unit: without an argument it is the second, as for points outside windows.
  const Interval& interval = context.windows->interval();
  const bool windows = interval.duration_ns > 0 && interval.months == 0;
  const auto unit = static_cast<double>(
      DurationArgument(context, windows ? interval.duration_ns : 1'000'000'000));
  Points out;
  ForEachStep(input, [&](size_t a, size_t b) {
    const double difference = NumberOf(Minus(input.values[b], input.values[a]));
    int64_t elapsed = input.times[b] - input.times[a];
    if (!context.ascending) elapsed = -elapsed;
    if (kNonNegative && difference < 0) return;
    const double value = elapsed > 0 ? difference / (static_cast<double>(elapsed) / unit) : 0;
    out.Append(input.times[b], FieldValue::Float(value));
  });
  return out;
}

template <bool kNonNegative>
Points Difference(const TransformContext&, const Points& input) {
  Points out;
  ForEachStep(input, [&](size_t a, size_t b) {
    const FieldValue difference = Minus(input.values[b], input.values[a]);
    const bool negative = difference.type() == FieldType::kUnsigned
                              ? input.values[b].as_unsigned() < input.values[a].as_unsigned()
                              : NumberOf(difference) < 0;
    if (!kNonNegative || !negative) out.Append(input.times[b], difference);
  });
  return out;
}

Points Elapsed(const TransformContext& context, const Points& input) {
  const int64_t unit = DurationArgument(context, 1);
  Points out;
  bool begun = false;
  int64_t previous = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input.values[i].is_null()) continue;
    if (begun) {
      out.Append(input.times[i], FieldValue::Integer((input.times[i] - previous) / unit));
    }
    begun = true;
    previous = input.times[i];
  }
  return out;
}

Points CumulativeSum(const TransformContext&, const Points& input) {
  Points out;
  FieldValue sum;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input.values[i].is_null()) continue;
    sum = sum.is_null() ? input.values[i] : Plus(sum, input.values[i]);
    out.Append(input.times[i], sum);
  }
  return out;
}

Points MovingAverage(const TransformContext& context, const Points& input) {
  const auto n = static_cast<size_t>(context.call->args[1]->As<IntegerLiteral>()->value);
  Points out;
  std::vector<FieldValue> ring;
  FieldValue sum;
  size_t at = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    const FieldValue& value = input.values[i];
    if (value.is_null()) continue;
    if (ring.size() < n) {
      ring.push_back(value);
    } else {
      sum = Minus(sum, ring[at]);
      ring[at] = value;
    }
    sum = sum.is_null() ? value : Plus(sum, value);
    at = (at + 1) % n;
    if (ring.size() < n) continue;
    out.Append(input.times[i], FieldValue::Float(NumberOf(sum) / static_cast<double>(n)));
  }
  return out;
}

absl::Status CheckUnit(const Call& call, const ArgumentContext&) {
  if (call.args.size() < 2) return absl::OkStatus();
  if (const auto* unit = call.args[1]->As<DurationLiteral>()) return CheckPositiveDuration(*unit);
  return base::InvalidArgument("second argument to ", call.name, " must be a duration, got ",
                               GoTypeName(*call.args[1]));
}

absl::Status CheckMovingAverage(const Call& call, const ArgumentContext&) {
  const auto* n = call.args[1]->As<IntegerLiteral>();
  if (n == nullptr) {
    return base::InvalidArgument("second argument for moving_average must be an integer, got ",
                                 GoTypeName(*call.args[1]));
  }
  if (n->value <= 1) {
    return base::InvalidArgument("moving_average window must be greater than 1, got ", n->value);
  }
  return absl::OkStatus();
}

constexpr Function kFunctions[] = {
    {.name = "cumulative_sum",
     .usage = "cumulative_sum(field)",
     .about = "the sum of all values up to each",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .transform = CumulativeSum,
     .title = "cumulative sum"},
    {.name = "derivative",
     .usage = "derivative(field [, unit])",
     .about = "the change per unit, by default 1s or the length of the windows",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .max_arguments = 2,
     .check = CheckUnit,
     .gives = ResultType::kFloat,
     .transform = Derivative<false>,
     .title = "derivative",
     .reads_before = true},
    {.name = "difference",
     .usage = "difference(field)",
     .about = "each value less the one before",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .transform = Difference<false>,
     .title = "difference",
     .reads_before = true},
    {.name = "elapsed",
     .usage = "elapsed(field [, unit])",
     .about = "the time since the point before, in whole units, by default 1ns",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .max_arguments = 2,
     .check = CheckUnit,
     .takes = kAllTypes,
     .gives = ResultType::kInteger,
     .transform = Elapsed,
     .title = "elapsed",
     .reads_before = true},
    {.name = "moving_average",
     .usage = "moving_average(field, n)",
     .about = "the mean of the last n values",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .min_arguments = 2,
     .max_arguments = 2,
     .check = CheckMovingAverage,
     .gives = ResultType::kFloat,
     .transform = MovingAverage,
     .title = "moving average",
     .reads_before = true},
    {.name = "non_negative_derivative",
     .usage = "non_negative_derivative(field [, unit])",
     .about = "derivative() without its negative values",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .max_arguments = 2,
     .check = CheckUnit,
     .gives = ResultType::kFloat,
     .transform = Derivative<true>,
     .title = "derivative",
     .reads_before = true},
    {.name = "non_negative_difference",
     .usage = "non_negative_difference(field)",
     .about = "difference() without its negative values",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrWindows,
     .transform = Difference<true>,
     .title = "difference",
     .reads_before = true},
};

}  // namespace

std::span<const Function> StepFunctions() { return kFunctions; }

}  // namespace varve::query
