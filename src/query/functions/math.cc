#include "query/functions/math.h"

#include <array>
#include <cmath>

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;
using Args = std::span<const FieldValue>;

bool AsFloat(const FieldValue& value, double* out) {
  switch (value.type()) {
    case FieldType::kFloat:
      *out = value.as_float();
      return true;
    case FieldType::kInteger:
      *out = static_cast<double>(value.as_integer());
      return true;
    case FieldType::kUnsigned:
      *out = static_cast<double>(value.as_unsigned());
      return true;
    default:
      return false;
  }
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

constexpr std::array<MathFunction, 18> kFunctions = {{
    {"abs", 1, Abs, true},
    {"acos", 1, UnaryFloat<std::acos>, false},
    {"asin", 1, UnaryFloat<std::asin>, false},
    {"atan", 1, Unary<std::atan>, false},
    {"atan2", 2, Binary<std::atan2>, false},
    {"ceil", 1, Rounding<std::ceil>, true},
    {"cos", 1, Unary<std::cos>, false},
    {"exp", 1, Unary<std::exp>, false},
    {"floor", 1, Rounding<std::floor>, true},
    {"ln", 1, Unary<std::log>, false},
    {"log", 2, Binary<LogBase>, false},
    {"log10", 1, Unary<std::log10>, false},
    {"log2", 1, Unary<std::log2>, false},
    {"pow", 2, Binary<std::pow>, false},
    {"round", 1, Rounding<std::round>, true},
    {"sin", 1, Unary<std::sin>, false},
    {"sqrt", 1, Unary<std::sqrt>, false},
    {"tan", 1, Unary<std::tan>, false},
}};

}  // namespace

const MathFunction* FindMathFunction(std::string_view name) {
  for (const MathFunction& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

DataType MathType(const MathFunction& function, std::span<const DataType> args) {
  return function.keeps_type && !args.empty() ? args[0] : DataType::kFloat;
}

}  // namespace varve::query
