// What compile.cc and compile_calls.cc share: one SELECT being checked.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "query/compile.h"
#include "query/condition.h"
#include "query/functions/function.h"

namespace varve::query {

struct CompileState {
  int64_t now_ns = 0;
  std::shared_ptr<CompiledSelect> out = std::make_shared<CompiledSelect>();
  int64_t calls = 0;   // function calls met, nested ones too
  int64_t fields = 0;  // fields met, those named inside top() and bottom() too
  std::string top_bottom;
  bool has_distinct = false;
  bool only_selectors = true;
  bool has_auxiliary = false;
  bool looks_back = false;  // something can use LOOKBACK

  absl::Status Preprocess(const SelectStatement& statement);
  absl::Status Compile();

 private:
  absl::Status CompileDimensions();
  absl::Status CompileTimeDimension(const Call& call, const TimeContext& context, ExprPtr* expr);
  absl::Status CompileFields();
  absl::Status ValidateFields() const;
  absl::Status CompileShape();
  absl::Status CheckShape(std::string_view clause, const Expr& expr);
  absl::Status CheckShapeCall(std::string_view clause, const Call& call);
  absl::Status CompileSubquery(const SelectStatement& inner);

  // One field being checked.
  struct Field {
    bool allow_wildcard = true;
    int64_t windows_before = 0;
  };
  absl::Status CompileExpr(const Expr& expr, Field* field);
  absl::Status CompileNested(const Expr& expr, Field* field);
  absl::Status CompileSymbol(std::string_view name, const Expr& expr, Field* field);
  absl::Status CompileCall(const Call& call, Field* field);
  absl::Status CompileFirstArgument(const Function& function, const Call& call, Field* field);
  // distinct(field) as it is, or DISTINCT field; `nested`: the argument of another function.
  absl::Status CompileDistinct(const Call& call, bool nested);
  absl::Status CompileRanked(const Call& call, Field* field);
  absl::Status CompileWindows(const Function& function, const Call& call, Field* field);
};

// DISTINCT field, alone or as an argument, becomes distinct(field).
ExprPtr RewriteDistinct(const ExprPtr& expr);

absl::Status ValidateCondition(const Expr* expr);

// compile_time.cc

// Puts a TimePart in place of every hour(time), date_part('dow', time), ... in `expr` (or null).
absl::StatusOr<ExprPtr> BindTimeParts(const ExprPtr& expr, absl::TimeZone zone);
// time(1mo), time(1q, 9h), time(1y, 3mo), time(1w, monday): false when `call` is none of these.
absl::StatusOr<bool> CompileCalendar(const Call& call, Interval* interval);

}  // namespace varve::query
