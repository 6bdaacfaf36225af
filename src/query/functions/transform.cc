#include "query/functions/transform.h"

#include "base/status.h"
#include "query/functions/function.h"

namespace varve::query {

absl::StatusOr<model::FieldType> TransformType(const Call& call, model::FieldType input) {
  const Function& function = *FindFunction(call.name);
  if (!function.takes.Contains(input)) {
    return base::InvalidArgument("unsupported ", function.title, " iterator type: *query.",
                                 model::FieldTypeName(input), "InterruptIterator");
  }
  return ResultTypeOf(function, input);
}

absl::StatusOr<Points> Transform(const TransformContext& context, const Points& input) {
  RETURN_IF_ERROR(TransformType(*context.call, context.type).status());
  return FindFunction(context.call->name)->transform(context, input);
}

}  // namespace varve::query
