// Transformations: functions from a sequence of points to another (derivative, moving_average,
// ...).
//
// Source: InfluxDB 1.x "query/functions.go". Each is a row (function.h) and a function of Points.
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

// Applies context.call to `input`, one group's points in order of time (descending when the query
// is); points without a value are passed over. INVALID_ARGUMENT with InfluxDB's text when the call
// does not take values of the type. Texts borrow what the input's texts borrow.
absl::StatusOr<Points> Transform(const TransformContext& context, const Points& input);

// The type of the values Transform() gives, likewise.
absl::StatusOr<model::FieldType> TransformType(const Call& call, model::FieldType input);

using TransformFunction = Points(const TransformContext& context, const Points& input);

}  // namespace varve::query
