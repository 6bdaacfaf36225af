// Names of a SELECT looked up: types given to references, wildcards replaced, columns named.
//
// Source: InfluxDB 1.x "influxql/ast.go": RewriteFields, EvalType, ColumnNames.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/ast.h"

namespace varve::query {

// What one source of a statement offers. A field that has several types has the first in the order
// of DataType.
struct SourceSchema {
  std::map<std::string, DataType, std::less<>> fields;
  std::set<std::string, std::less<>> tags;
  // Names a wildcard does not find: the further columns of top() and bottom() in a subquery.
  std::map<std::string, DataType, std::less<>> hidden;

  DataType TypeOf(std::string_view name) const;  // kTag, kUnknown: neither
};

// True when `other` goes before `type` where a name has both.
bool Precedes(DataType other, DataType type);

// The type of an expression whose references carry types. INVALID_ARGUMENT "type error: ..." where
// an operator does not take its operands.
absl::StatusOr<DataType> TypeOfExpr(const Expr& expr);

// Whether the fields or dimensions hold a wildcard or a regular expression, which RewriteNames()
// expands.
bool HasPattern(const SelectStatement& statement);

// Gives every reference of the fields and the condition its type and expands wildcards and regular
// expressions in fields and dimensions.
absl::Status RewriteNames(const std::vector<SourceSchema>& sources, SelectStatement* statement);

// `expr` with the type of every reference.
ExprPtr TypeNames(const std::vector<SourceSchema>& sources, const ExprPtr& expr);

// The name of a field without regard to other fields.
std::string FieldName(const SelectField& field);

// The columns of the answer, `time_name` first unless it is empty. Those that top() and bottom()
// add stand behind them, unless the statement has a target.
std::vector<std::string> ColumnNames(const SelectStatement& statement, std::string_view time_name);

// What an outer statement sees of a rewritten subquery.
absl::StatusOr<SourceSchema> SchemaOf(const SelectStatement& subquery);

// The tag keys of GROUP BY, without time().
std::vector<std::string> TagDimensions(const SelectStatement& statement);

}  // namespace varve::query
