// Any text either parses or is refused; what parses prints to a text that parses to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "query/condition.h"
#include "query/parser.h"
#include "query/select.h"

namespace varve::query {
namespace {

bool HasPassword(const Statement& statement) {
  return statement.As<CreateUser>() != nullptr || statement.As<SetPassword>() != nullptr;
}

void CheckStatement(const Statement& statement) {
  if (HasPassword(statement)) return;  // printed as [REDACTED]
  const std::string text = Format(statement);
  const auto again = ParseQuery(text, {});
  // Printing is InfluxDB's, which for odd trees (-1 * -x) gives texts it would not take itself.
  if (again.ok() && again->size() == 1) CHECK_EQ(Format(again->front()), text);
  if (const auto* select = statement.As<SelectStatement>()) {
    TimeContext context;
    const auto split = SplitTime(select->condition, context);
    if (split.ok()) BuildTagPredicate(split->condition, {});
    for (const SelectField& field : select->fields) Reduce(field.expr, &context);
    CheckSelect(*select, 0).IgnoreError();
  }
}

}  // namespace
}  // namespace varve::query

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  varve::query::Parameters parameters;
  parameters["i"] = {std::string("temp"), "identifier"};
  parameters["r"] = {std::string("a.*"), "regex"};
  parameters["n"] = {int64_t{-5}, ""};
  parameters["l"] = {std::vector<varve::query::ParameterValue>{{std::string("a"), ""}}, ""};
  const auto statements = varve::query::ParseQuery(text, parameters);
  if (!statements.ok()) return 0;
  for (const auto& statement : *statements) varve::query::CheckStatement(statement);
  return 0;
}
