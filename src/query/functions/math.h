// The mathematical functions of SELECT and WHERE: abs, sin, pow, ...
//
// Adding one is a row of the table in math.cc and a line in its test.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "model/types.h"
#include "query/ast.h"

namespace varve::query {

struct MathFunction {
  std::string_view name;
  size_t arity;
  // The value for arguments none of which is null; null where the function is not defined for
  // their types. NaN and infinities are passed on.
  model::FieldValue (*evaluate)(std::span<const model::FieldValue> args);
  // True: the result has the type of the first argument (abs, floor, ...); else a float.
  bool keeps_type;
};

// Null when there is no such function.
const MathFunction* FindMathFunction(std::string_view name);

// The type of a call with arguments of these types.
DataType MathType(const MathFunction& function, std::span<const DataType> args);

}  // namespace varve::query
