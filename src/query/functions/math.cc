// The mathematical functions of SELECT and WHERE: abs, sin, pow, ...
#include <cmath>

#include "query/functions/function.h"
#include "query/functions/numbers.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;
using Args = std::span<const FieldValue>;

bool AsFloat(const FieldValue& value, double* out) {
  if (!IsNumber(value.type())) return false;
  *out = NumberOf(value);
  return true;
}

template <double (*function)(double)>
FieldValue Unary(Args args) {
  double x;
  return AsFloat(args[0], &x) ? FieldValue::Float(function(x)) : FieldValue();
}
// asin and acos take floats only.
template <double (*function)(double)>
FieldValue UnaryFloat(Args args) {
  if (args[0].type() != FieldType::kFloat) return {};
  return FieldValue::Float(function(args[0].as_float()));
}
template <double (*function)(double, double)>
FieldValue Binary(Args args) {
  double x;
  double y;
  return AsFloat(args[0], &x) && AsFloat(args[1], &y) ? FieldValue::Float(function(x, y))
                                                      : FieldValue();
}
// floor, ceil and round leave integers as they are.
template <double (*function)(double)>
FieldValue Rounding(Args args) {
  if (args[0].type() == FieldType::kFloat) {
    return FieldValue::Float(function(args[0].as_float()));
  }
  const bool whole =
      args[0].type() == FieldType::kInteger || args[0].type() == FieldType::kUnsigned;
  return whole ? args[0] : FieldValue();
}
FieldValue Abs(Args args) {
  if (args[0].type() == FieldType::kInteger) {
    const auto v = static_cast<uint64_t>(args[0].as_integer());
    const auto sign = static_cast<uint64_t>(args[0].as_integer() >> 63);
    return FieldValue::Integer(static_cast<int64_t>((v ^ sign) - sign));
  }
  return Rounding<std::fabs>(args);
}
double LogBase(double x, double base) { return std::log(x) / std::log(base); }

constexpr Function Row(std::string_view name, std::string_view usage, std::string_view about,
                       size_t arguments, FieldValue (*evaluate)(Args),
                       ResultType gives = ResultType::kFloat) {
  return {.name = name,
          .usage = usage,
          .about = about,
          .kind = FunctionKind::kMath,
          .first = FirstArgument::kExpression,
          .min_arguments = arguments,
          .max_arguments = arguments,
          .gives = gives,
          .evaluate = evaluate};
}

constexpr Function kFunctions[] = {
    Row("abs", "abs(x)", "without its sign", 1, Abs, ResultType::kArgument),
    Row("acos", "acos(x)", "arc cosine; of floats only", 1, UnaryFloat<std::acos>),
    Row("asin", "asin(x)", "arc sine; of floats only", 1, UnaryFloat<std::asin>),
    Row("atan", "atan(x)", "arc tangent", 1, Unary<std::atan>),
    Row("atan2", "atan2(y, x)", "the angle of the point (x, y)", 2, Binary<std::atan2>),
    Row("ceil", "ceil(x)", "the next integer above", 1, Rounding<std::ceil>, ResultType::kArgument),
    Row("cos", "cos(x)", "cosine", 1, Unary<std::cos>),
    Row("exp", "exp(x)", "e to the x", 1, Unary<std::exp>),
    Row("floor", "floor(x)", "the next integer below", 1, Rounding<std::floor>,
        ResultType::kArgument),
    Row("ln", "ln(x)", "natural logarithm", 1, Unary<std::log>),
    Row("log", "log(x, b)", "logarithm to the base b", 2, Binary<LogBase>),
    Row("log10", "log10(x)", "logarithm to the base 10", 1, Unary<std::log10>),
    Row("log2", "log2(x)", "logarithm to the base 2", 1, Unary<std::log2>),
    Row("pow", "pow(x, y)", "x to the y", 2, Binary<std::pow>),
    Row("round", "round(x)", "the nearest integer, halves away from zero", 1, Rounding<std::round>,
        ResultType::kArgument),
    Row("sin", "sin(x)", "sine", 1, Unary<std::sin>),
    Row("sqrt", "sqrt(x)", "square root", 1, Unary<std::sqrt>),
    Row("tan", "tan(x)", "tangent", 1, Unary<std::tan>),
};

}  // namespace

std::span<const Function> MathFunctions() { return kFunctions; }

}  // namespace varve::query
