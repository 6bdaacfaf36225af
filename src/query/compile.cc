#include "query/compile.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/compile_state.h"
#include "query/condition.h"
#include "query/evaluate.h"
#include "query/functions/function.h"
#include "query/join.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// The offset of `t` within windows of `interval`, as Go's time.Truncate has it: counted from the
// year 1, which for the intervals of practice differs from 1970 by whole multiples only.
int64_t OffsetWithin(int64_t t, int64_t interval) {
  if (interval <= 0) return 0;
  constexpr __int128 kYearOneToEpoch = static_cast<__int128>(62135596800) * 1'000'000'000;
  return static_cast<int64_t>((kYearOneToEpoch + t) % interval);
}

absl::Status CheckTimeArgument(const ExprPtr& arg, const TimeContext& context, int64_t duration_ns,
                               ExprPtr* replaced, int64_t* offset_ns) {
  if (const auto* duration = arg->As<DurationLiteral>()) {
    *offset_ns = duration_ns == 0 ? 0 : duration->ns % duration_ns;
    return absl::OkStatus();
  }
  if (const auto* time = arg->As<TimeLiteral>()) {
    *offset_ns = OffsetWithin(time->ns, duration_ns);
    return absl::OkStatus();
  }
  if (const auto* call = arg->As<Call>()) {
    if (call->name != "now") {
      return base::InvalidArgument("time dimension offset function must be now()");
    }
    if (!call->args.empty()) {
      return base::InvalidArgument("time dimension offset now() function requires no arguments");
    }
    *offset_ns = OffsetWithin(context.now_ns, duration_ns);
    *replaced = MakeExpr(DurationLiteral{*offset_ns});
    return absl::OkStatus();
  }
  if (const auto* text = arg->As<StringLiteral>(); text != nullptr && LooksLikeTime(text->value)) {
    const auto time = ParseTimeString(text->value, context.zone);
    if (!time.has_value()) return base::InvalidArgument("invalid timestamp string");
    return base::InvalidArgument("invalid time dimension offset: ", Format(*arg));
  }
  return base::InvalidArgument("time dimension offset must be duration or now()");
}

}  // namespace

ExprPtr RewriteDistinct(const ExprPtr& expr) {
  if (const auto* distinct = expr->As<Distinct>()) {
    return MakeExpr(Call{std::string(kDistinctName), {MakeExpr(VarRef{distinct->name})}});
  }
  if (const auto* call = expr->As<Call>()) {
    Call copy = *call;
    for (ExprPtr& arg : copy.args) arg = RewriteDistinct(arg);
    return MakeExpr(std::move(copy));
  }
  if (const auto* binary = expr->As<BinaryExpr>()) {
    return MakeExpr(
        BinaryExpr{binary->op, RewriteDistinct(binary->left), RewriteDistinct(binary->right)});
  }
  if (const auto* paren = expr->As<ParenExpr>()) {
    return MakeExpr(ParenExpr{RewriteDistinct(paren->inner)});
  }
  return expr;
}

std::string_view GoTypeName(const Expr& expr) {
  static constexpr std::string_view kNames[] = {
      "*influxql.BinaryExpr",      "*influxql.Call",
      "*influxql.VarRef",          "*influxql.Wildcard",
      "*influxql.Distinct",        "*influxql.ParenExpr",
      "*influxql.NumberLiteral",   "*influxql.IntegerLiteral",
      "*influxql.UnsignedLiteral", "*influxql.StringLiteral",
      "*influxql.BooleanLiteral",  "*influxql.DurationLiteral",
      "*influxql.TimeLiteral",     "*influxql.RegexLiteral",
      "*influxql.ListLiteral",     "*influxql.ListLiteral",
      "*influxql.nilLiteral",      "*influxql.BoundParameter",
      "*influxql.Between",         "*influxql.CalendarLiteral",
      "*influxql.TimePart"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(Expr::node)>);
  return kNames[expr.node.index()];
}

void CompiledSelect::RestrictTo(const CompiledSelect& outer) {
  range.min_ns = std::max(range.min_ns, outer.range.min_ns);
  range.max_ns = std::min(range.max_ns, outer.range.max_ns);
  if (ranges.empty() && outer.ranges.empty()) return;
  const TimeRanges inside = ranges.empty() ? RangesOf(range) : ranges;
  const TimeRanges around = outer.ranges.empty() ? RangesOf(outer.range) : outer.ranges;
  ranges = Intersection(inside, around);
  range = HullOf(ranges);
  if (ranges.size() < 2) ranges.clear();
}

bool IsLiteral(const Expr& expr) {
  return !expr.As<BinaryExpr>() && !expr.As<Call>() && !expr.As<VarRef>() && !expr.As<Wildcard>() &&
         !expr.As<Distinct>() && !expr.As<ParenExpr>() && !expr.As<TimePart>();
}

absl::Status ValidateCondition(const Expr* expr) {
  if (expr == nullptr) return absl::OkStatus();
  if (const auto* binary = expr->As<BinaryExpr>()) {
    RETURN_IF_ERROR(ValidateCondition(binary->left.get()));
    return ValidateCondition(binary->right.get());
  }
  if (const auto* paren = expr->As<ParenExpr>()) return ValidateCondition(paren->inner.get());
  if (expr->As<Between>()) {
    return base::InvalidArgument("BETWEEN cannot be part of another comparison: ", Format(*expr));
  }
  const auto* call = expr->As<Call>();
  if (call == nullptr) return absl::OkStatus();
  const Function* math = FindFunction(call->name, FunctionKind::kMath);
  if (math == nullptr) {
    return base::InvalidArgument("invalid function call in condition: ", Format(*expr));
  }
  RETURN_IF_ERROR(CheckArgumentCount(*math, *call));
  for (const ExprPtr& arg : call->args) RETURN_IF_ERROR(ValidateCondition(arg.get()));
  return absl::OkStatus();
}

absl::Status CompileState::Preprocess(const SelectStatement& input) {
  ASSIGN_OR_RETURN(out->statement, RewriteJoin(input));
  SelectStatement& statement = out->statement;
  out->ascending = statement.sort_fields.empty() || OrdersRows(statement.sort_fields) ||
                   statement.sort_fields[0].ascending;
  if (!statement.location.empty()) {
    ASSIGN_OR_RETURN(out->zone, LoadTimeZone(statement.location));
    out->has_zone = true;
  }
  const TimeContext context{.now_ns = now_ns, .zone = out->zone};
  ASSIGN_OR_RETURN(const ExprPtr condition, BindTimeParts(statement.condition, out->zone));
  ASSIGN_OR_RETURN(SplitCondition split, SplitTime(condition, context));
  RETURN_IF_ERROR(ValidateCondition(split.condition.get()));
  statement.condition = std::move(split.condition);
  RETURN_IF_ERROR(CompileDimensions());
  out->fill = statement.fill;
  out->range = split.bounds.range();
  if (split.ranges.has_value() && split.ranges->size() > 1) out->ranges = *std::move(split.ranges);
  out->lookback_ns = statement.lookback_ns;
  // A grouping by time ends now, so that a chart without an end does not run to the year 2262.
  if (!split.bounds.max_ns.has_value() && !out->interval.zero()) out->range.max_ns = now_ns;
  return absl::OkStatus();
}

absl::Status CompileState::CompileTimeDimension(const Call& call, const TimeContext& context,
                                                ExprPtr* expr) {
  if (call.name != "time") {
    return base::InvalidArgument("only time() calls allowed in dimensions");
  }
  if (call.args.empty() || call.args.size() > 2) {
    return base::InvalidArgument("time dimension expected 1 or 2 arguments");
  }
  Interval interval;
  ASSIGN_OR_RETURN(const bool calendar, CompileCalendar(call, &interval));
  const auto* duration = call.args[0]->As<DurationLiteral>();
  if (!calendar && duration == nullptr) {
    return base::InvalidArgument("time dimension must have duration argument");
  }
  if (!out->interval.zero()) {
    return base::InvalidArgument("multiple time dimensions not allowed");
  }
  if (calendar) {
    out->interval = interval;
    return absl::OkStatus();
  }
  out->interval.duration_ns = duration->ns;
  if (call.args.size() == 2) {
    ExprPtr replaced = call.args[1];
    RETURN_IF_ERROR(CheckTimeArgument(call.args[1], context, duration->ns, &replaced,
                                      &out->interval.offset_ns));
    if (replaced != call.args[1]) *expr = MakeExpr(Call{"time", {call.args[0], replaced}});
  }
  return absl::OkStatus();
}

absl::Status CompileState::CompileDimensions() {
  const TimeContext context{.now_ns = now_ns, .zone = out->zone};
  for (Dimension& dimension : out->statement.dimensions) {
    ExprPtr expr = Reduce(dimension.expr, nullptr);
    if (const auto* ref = expr->As<VarRef>()) {
      std::string lower = ref->name;
      for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      if (lower == "time") {
        return base::InvalidArgument("time() is a function and expects at least one argument");
      }
    } else if (const auto* call = expr->As<Call>()) {
      RETURN_IF_ERROR(CompileTimeDimension(*call, context, &expr));
    } else if (!expr->As<Wildcard>() && !expr->As<RegexLiteral>()) {
      return base::InvalidArgument("only time and tag dimensions allowed");
    }
    dimension.expr = std::move(expr);
  }
  // InfluxDB takes windows without a length for no windows at all.
  if (out->interval.duration_ns < 0) out->interval = Interval{};
  return absl::OkStatus();
}

absl::Status CompileState::CompileFields() {
  std::vector<SelectField> kept;
  for (const SelectField& selected : out->statement.fields) {
    if (const auto* ref = selected.expr->As<VarRef>(); ref != nullptr && ref->name == "time") {
      if (!selected.alias.empty()) out->time_name = selected.alias;
      continue;
    }
    ASSIGN_OR_RETURN(const ExprPtr bound, BindTimeParts(selected.expr, out->zone));
    SelectField field{FoldMath(Reduce(bound, nullptr)), selected.alias};
    ++fields;
    Field state;
    RETURN_IF_ERROR(CompileExpr(*field.expr, &state));
    out->windows_before = std::max(out->windows_before, state.windows_before);
    field.expr = RewriteDistinct(field.expr);
    kept.push_back(std::move(field));
  }
  out->statement.fields = std::move(kept);
  out->has_calls = calls > 0;
  return absl::OkStatus();
}

absl::Status CompileState::ValidateFields() const {
  if (fields == 0 || (calls == 0 && !has_auxiliary)) {
    return base::InvalidArgument("at least 1 non-time field must be queried");
  }
  if (calls > 1 && !top_bottom.empty()) {
    return base::InvalidArgument("selector function ", top_bottom,
                                 "() cannot be combined with other functions");
  }
  if (calls == 0) {
    if (out->fill == FillOption::kNone) {
      return base::InvalidArgument("fill(none) must be used with a function");
    }
    if (out->fill == FillOption::kLinear) {
      return base::InvalidArgument("fill(linear) must be used with a function");
    }
    if (!out->interval.zero() && !out->interval_inherited) {
      return base::InvalidArgument("GROUP BY requires at least one aggregate function");
    }
  }
  const bool fills = out->fill == FillOption::kPrevious || out->fill == FillOption::kLinear;
  if (out->lookback_ns > 0 && !looks_back && !fills) {
    return base::InvalidArgument(
        "LOOKBACK requires fill(previous), fill(linear) or a function that looks back");
  }
  if (has_distinct && (calls != 1 || has_auxiliary)) {
    return base::InvalidArgument(
        "aggregate function distinct() cannot be combined with other functions or fields");
  }
  if (has_auxiliary) {
    if (!only_selectors) {
      return base::InvalidArgument("mixing aggregate and non-aggregate queries is not supported");
    }
    if (calls > 1) {
      return base::InvalidArgument(
          "mixing multiple selector functions with tags or fields is not supported");
    }
  }
  return absl::OkStatus();
}

absl::Status CompileState::CompileSubquery(const SelectStatement& inner) {
  CompileState state;
  state.now_ns = now_ns;
  SelectStatement statement = inner;
  statement.omit_time = true;
  RETURN_IF_ERROR(state.Preprocess(statement));
  if (!inner.sort_fields.empty() && !OrdersRows(inner.sort_fields) &&
      state.out->ascending != out->ascending) {
    return base::InvalidArgument(
        "subqueries must be ordered in the same direction as the query itself");
  }
  state.out->ascending = out->ascending;
  state.out->RestrictTo(*out);
  if (!state.out->interval.zero() && state.out->fill == FillOption::kNull) {
    state.out->fill = FillOption::kNone;
  }
  if (!out->interval.zero() && state.out->interval.zero()) {
    state.out->interval = out->interval;
    state.out->interval_inherited = true;
  }
  RETURN_IF_ERROR(state.Compile());
  out->subqueries.push_back(std::move(state.out));
  return absl::OkStatus();
}

absl::Status CompileState::Compile() {
  RETURN_IF_ERROR(CompileFields());
  RETURN_IF_ERROR(ValidateFields());
  RETURN_IF_ERROR(CompileShape());
  for (const Source& source : out->statement.sources) {
    if (const auto* join = std::get_if<std::shared_ptr<const Join>>(&source.node)) {
      for (const JoinSide& side : (*join)->sides) {
        const auto& select = std::get<std::shared_ptr<const SelectStatement>>(side.source.node);
        RETURN_IF_ERROR(CompileSubquery(*select));
        out->joined.push_back(std::move(out->subqueries.back()));
        out->subqueries.pop_back();
      }
      out->subqueries.push_back(nullptr);
    } else if (const auto* inner =
                   std::get_if<std::shared_ptr<const SelectStatement>>(&source.node)) {
      RETURN_IF_ERROR(CompileSubquery(**inner));
    } else {
      out->subqueries.push_back(nullptr);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<CompiledSelect>> CompileSelect(const SelectStatement& statement,
                                                              int64_t now_ns) {
  CompileState state;
  state.now_ns = now_ns;
  RETURN_IF_ERROR(state.Preprocess(statement));
  RETURN_IF_ERROR(state.Compile());
  return state.out;
}

}  // namespace varve::query
