// Transformations: functions from a sequence of points to another (derivative, moving_average,
// ...).
//
// Source: InfluxDB 1.x "query/functions.go". Adding one is a row of the table in transform.cc.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "query/ast.h"
#include "query/points.h"
#include "query/window.h"

namespace varve::query {

struct TransformContext {
  const Call* call = nullptr;                       // checked by CompileSelect
  model::FieldType type = model::FieldType::kNone;  // of the input's values
  bool ascending = true;
  const Windows* windows = nullptr;
};

bool IsTransformation(std::string_view name);

// Applies context.call to `input`, one group's points in order of time (descending when the query
// is); points without a value are passed over. INVALID_ARGUMENT with InfluxDB's text when the call
// does not take values of the type. Texts borrow what the input's texts borrow.
absl::StatusOr<Points> Transform(const TransformContext& context, const Points& input);

// The type of the values Transform() gives, likewise.
absl::StatusOr<model::FieldType> TransformType(const Call& call, model::FieldType input);

// The families, one file each.
using TransformFunction = Points(const TransformContext& context, const Points& input);
TransformFunction Derivative, NonNegativeDerivative, Difference, NonNegativeDifference;
TransformFunction CumulativeSum, MovingAverage, Elapsed;  // transform_steps.cc
TransformFunction Integral;                               // integral.cc
TransformFunction HoltWinters;                            // holt_winters.cc
TransformFunction ExponentialMovingAverage, DoubleExponentialMovingAverage;
TransformFunction TripleExponentialMovingAverage, TripleExponentialDerivative;
TransformFunction RelativeStrengthIndex, KaufmansEfficiencyRatio, KaufmansAdaptiveMovingAverage;
TransformFunction ChandeMomentumOscillator;  // technical_*.cc

}  // namespace varve::query
