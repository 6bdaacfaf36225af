// How the calls of a SELECT are computed: from which rows, by which function, through which
// transformations.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "query/functions/function.h"
#include "query/prepare.h"

namespace varve::query {

// The innermost step of a call: windows aggregated, or, without a function, the points themselves
// in order of time.
struct LeafPlan {
  const Function* function = nullptr;
  std::string name;  // as InfluxDB prints it in errors
  AggregateOptions options;
  VarRef field;
  model::FieldType type = model::FieldType::kNone;  // kNone: there is no such field, so no points
  model::TimeRange range;
  bool keeps_time = false;  // points have the time of their row, else of their window
  bool fills = false;       // gaps between windows are filled

  // Whether statistics of blocks do instead of rows; whether those of hours do, too.
  bool FromStatistics() const;
  bool FromHours() const;
  // Whether the order of a group's series can change nothing.
  bool InAnyOrder() const;
};

struct CallPlan {
  bool hidden = false;                 // read by HAVING or ORDER BY only: makes no rows
  std::string key;                     // the call as text; equal texts are one call
  DataType type = DataType::kUnknown;  // of its values
  LeafPlan leaf;
  std::vector<const Call*> transformations;  // the one applied first is first
};

struct SelectPlan {
  std::vector<CallPlan> calls;
  // Columns that come along with the one selector, those top() and bottom() group by first.
  std::vector<VarRef> aux;
  // All fields of the answer, with the further ones of top() and bottom().
  std::vector<ExprPtr> fields;
  // What HAVING and ORDER BY read besides, behind the written tags.
  std::vector<ExprPtr> hidden;
  // With INTO, the first aux columns become tags of what is written.
  std::vector<std::string> written_tags;

  // The column of a row of symbols: calls first, then aux, then the time; -1: none of them.
  int SymbolOf(const Expr& expr) const;
};

// `select` must outlive the plan.
absl::StatusOr<SelectPlan> PlanCalls(const PreparedSelect& select);

}  // namespace varve::query
