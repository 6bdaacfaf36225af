#include "query/condition.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "base/status.h"
#include "query/time_text.h"

namespace varve::query {

ExprPtr ReduceKeepingParens(const ExprPtr& expr, const TimeContext* context);  // reduce.cc

namespace {

// The names of InfluxDB's types, which its messages show.
struct GoTypeName {
  std::string_view operator()(const BinaryExpr&) const { return "BinaryExpr"; }
  std::string_view operator()(const Call&) const { return "Call"; }
  std::string_view operator()(const VarRef&) const { return "VarRef"; }
  std::string_view operator()(const Wildcard&) const { return "Wildcard"; }
  std::string_view operator()(const Distinct&) const { return "Distinct"; }
  std::string_view operator()(const ParenExpr&) const { return "ParenExpr"; }
  std::string_view operator()(const NumberLiteral&) const { return "NumberLiteral"; }
  std::string_view operator()(const IntegerLiteral&) const { return "IntegerLiteral"; }
  std::string_view operator()(const UnsignedLiteral&) const { return "UnsignedLiteral"; }
  std::string_view operator()(const StringLiteral&) const { return "StringLiteral"; }
  std::string_view operator()(const BooleanLiteral&) const { return "BooleanLiteral"; }
  std::string_view operator()(const DurationLiteral&) const { return "DurationLiteral"; }
  std::string_view operator()(const TimeLiteral&) const { return "TimeLiteral"; }
  std::string_view operator()(const RegexLiteral&) const { return "RegexLiteral"; }
  std::string_view operator()(const ListLiteral&) const { return "ListLiteral"; }
  std::string_view operator()(const ValuesLiteral&) const { return "ListLiteral"; }
  std::string_view operator()(const NilLiteral&) const { return "NilLiteral"; }
  std::string_view operator()(const BoundParameter&) const { return "BoundParameter"; }
  std::string_view operator()(const Between&) const { return "Between"; }
  std::string_view operator()(const CalendarLiteral&) const { return "CalendarLiteral"; }
  std::string_view operator()(const TimePart&) const { return "TimePart"; }
};

bool IsTime(const Expr& expr) {
  const auto* ref = expr.As<VarRef>();
  return ref != nullptr && absl::EqualsIgnoreCase(base::ToAbsl(ref->name), "time");
}

Operator Mirrored(Operator op) {
  switch (op) {
    case Operator::kGt:
      return Operator::kLt;
    case Operator::kLt:
      return Operator::kGt;
    case Operator::kGte:
      return Operator::kLte;
    case Operator::kLte:
      return Operator::kGte;
    default:
      return op;
  }
}

// `time` for a message, which knows years that nanoseconds do not reach.
std::string FormatSeconds(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Status CheckRange(absl::Time time) {
  if (time > absl::FromUnixNanos(model::kMaxTimeNs)) {
    return base::InvalidArgument("time ", FormatSeconds(time), " overflows time literal");
  }
  if (time < absl::FromUnixNanos(model::kMinTimeNs + 1)) {
    return base::InvalidArgument("time ", FormatSeconds(time), " underflows time literal");
  }
  return absl::OkStatus();
}

// What `time` is compared with, in nanoseconds.
absl::StatusOr<int64_t> TimeValue(const ExprPtr& expr, const TimeContext& context) {
  if (const auto* text = expr->As<StringLiteral>(); text != nullptr && LooksLikeTime(text->value)) {
    const std::optional<absl::Time> time = ParseAnyTime(text->value, context.zone);
    if (!time.has_value()) return base::InvalidArgument("invalid timestamp string");
    RETURN_IF_ERROR(CheckRange(*time));
    return ToNsSaturated(*time);
  }
  const ExprPtr reduced = Reduce(expr, &context);
  if (const auto* time = reduced->As<TimeLiteral>()) {
    RETURN_IF_ERROR(CheckRange(absl::FromUnixNanos(time->ns)));
    return time->ns;
  }
  if (const auto* duration = reduced->As<DurationLiteral>()) return duration->ns;
  if (const auto* integer = reduced->As<IntegerLiteral>()) return integer->value;
  if (const auto* number = reduced->As<NumberLiteral>()) {
    const double value = number->value;
    const bool fits = value >= -9223372036854775808.0 && value < 9223372036854775808.0;
    return fits ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
  }
  return base::InvalidArgument("invalid operation: time and *influxql.",
                               std::visit(GoTypeName{}, reduced->node), " are not compatible");
}

absl::StatusOr<TimeBounds> TimeComparison(Operator op, const ExprPtr& value,
                                          const TimeContext& context) {
  ASSIGN_OR_RETURN(const int64_t ns, TimeValue(value, context));
  TimeBounds bounds;
  switch (op) {
    case Operator::kGt:
      bounds.min_ns = ns == std::numeric_limits<int64_t>::max() ? ns : ns + 1;
      break;
    case Operator::kGte:
      bounds.min_ns = ns;
      break;
    case Operator::kLt:
      bounds.max_ns = ns == std::numeric_limits<int64_t>::min() ? ns : ns - 1;
      break;
    case Operator::kLte:
      bounds.max_ns = ns;
      break;
    case Operator::kEq:
      bounds.min_ns = ns;
      bounds.max_ns = ns;
      break;
    default:
      return base::InvalidArgument("invalid time comparison operator: ", OperatorText(op));
  }
  return bounds;
}

ExprPtr Join(Operator op, ExprPtr left, ExprPtr right) {
  return MakeExpr(BinaryExpr{op, std::move(left), std::move(right)});
}

// Comparisons of a row's time that hold within `ranges`, in parentheses.
ExprPtr WithinRanges(const TimeRanges& ranges) {
  const auto compare = [](Operator op, int64_t ns) {
    return Join(op, RowTime(), MakeExpr(IntegerLiteral{ns}));
  };
  ExprPtr any;
  for (const model::TimeRange& range : ranges) {
    ExprPtr both = MakeExpr(ParenExpr{Join(Operator::kAnd, compare(Operator::kGte, range.min_ns),
                                           compare(Operator::kLte, range.max_ns))});
    any = any == nullptr ? std::move(both) : Join(Operator::kOr, std::move(any), std::move(both));
  }
  return any == nullptr ? MakeExpr(BooleanLiteral{false}) : MakeExpr(ParenExpr{std::move(any)});
}

// One side of an OR that its ranges do not belong to the whole of.
ExprPtr Guarded(const SplitCondition& side) {
  if (!side.ranges.has_value()) return side.condition;
  ExprPtr within = WithinRanges(*side.ranges);
  if (side.condition == nullptr) return within;
  return MakeExpr(
      ParenExpr{Join(Operator::kAnd, std::move(within), MakeExpr(ParenExpr{side.condition}))});
}

// Says nothing, but for its bounds, which count whatever it is joined by.
bool IsNeutral(const SplitCondition& side) {
  return side.condition == nullptr && !side.ranges.has_value();
}

SplitCondition JoinByAnd(SplitCondition left, SplitCondition right) {
  left.bounds.Intersect(right.bounds);
  if (!left.ranges.has_value()) {
    left.ranges = std::move(right.ranges);
  } else if (right.ranges.has_value()) {
    left.ranges = Intersection(*left.ranges, *right.ranges);
  }
  if (left.condition == nullptr) {
    left.condition = std::move(right.condition);
  } else if (right.condition != nullptr) {
    left.condition = ReduceKeepingParens(
        Join(Operator::kAnd, std::move(left.condition), std::move(right.condition)), nullptr);
  }
  return left;
}

SplitCondition JoinByOr(SplitCondition left, SplitCondition right) {
  TimeBounds bounds = left.bounds;
  bounds.Intersect(right.bounds);
  SplitCondition out;
  if (IsNeutral(left)) {
    out = std::move(right);
  } else if (IsNeutral(right)) {
    out = std::move(left);
  } else if (!left.ranges.has_value() && !right.ranges.has_value()) {
    out.condition = ReduceKeepingParens(
        Join(Operator::kOr, std::move(left.condition), std::move(right.condition)), nullptr);
  } else {
    if (left.condition != nullptr || right.condition != nullptr) {
      out.condition =
          ReduceKeepingParens(Join(Operator::kOr, Guarded(left), Guarded(right)), nullptr);
    }
    const TimeRanges all = RangesOf(model::TimeRange{});
    out.ranges = Union(left.ranges.value_or(all), right.ranges.value_or(all));
  }
  out.bounds = bounds;
  return out;
}

absl::StatusOr<SplitCondition> SplitBetween(const Between& between, const TimeContext& context) {
  if (!IsTime(*between.expr)) {
    ExprPtr both = Join(Operator::kAnd, Join(Operator::kGte, between.expr, between.low),
                        Join(Operator::kLte, between.expr, between.high));
    return SplitCondition{
        ReduceKeepingParens(MakeExpr(ParenExpr{std::move(both)}), &context), {}, {}};
  }
  ASSIGN_OR_RETURN(const int64_t low, TimeValue(between.low, context));
  ASSIGN_OR_RETURN(const int64_t high, TimeValue(between.high, context));
  SplitCondition split;
  split.ranges = RangesOf({low, high});
  return split;
}

absl::StatusOr<SplitCondition> Split(const ExprPtr& expr, const TimeContext& context) {
  if (const auto* paren = expr->As<ParenExpr>()) {
    ASSIGN_OR_RETURN(SplitCondition inner, Split(paren->inner, context));
    if (inner.condition != nullptr) {
      inner.condition =
          ReduceKeepingParens(MakeExpr(ParenExpr{std::move(inner.condition)}), nullptr);
    }
    return inner;
  }
  if (expr->As<BooleanLiteral>() != nullptr) return SplitCondition{expr, {}, {}};
  if (const auto* between = expr->As<Between>()) return SplitBetween(*between, context);
  const auto* binary = expr->As<BinaryExpr>();
  if (binary == nullptr) {
    return base::InvalidArgument("invalid condition expression: ", Format(*expr));
  }
  if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
    ASSIGN_OR_RETURN(SplitCondition left, Split(binary->left, context));
    ASSIGN_OR_RETURN(SplitCondition right, Split(binary->right, context));
    return binary->op == Operator::kAnd ? JoinByAnd(std::move(left), std::move(right))
                                        : JoinByOr(std::move(left), std::move(right));
  }
  if (binary->op == Operator::kIn || binary->op == Operator::kNotIn) {
    if (IsTime(*binary->left)) {
      return base::InvalidArgument(
          "time cannot be looked up in a list by IN; it is compared by =, <, <=, > and >=");
    }
    return SplitCondition{ReduceKeepingParens(expr, &context), {}, {}};
  }
  if (IsTime(*binary->left)) {
    ASSIGN_OR_RETURN(const TimeBounds bounds, TimeComparison(binary->op, binary->right, context));
    return SplitCondition{nullptr, bounds, {}};
  }
  if (IsTime(*binary->right)) {
    ASSIGN_OR_RETURN(const TimeBounds bounds,
                     TimeComparison(Mirrored(binary->op), binary->left, context));
    return SplitCondition{nullptr, bounds, {}};
  }
  return SplitCondition{ReduceKeepingParens(expr, &context), {}, {}};
}

}  // namespace

model::TimeRange TimeBounds::range() const {
  model::TimeRange range;
  if (min_ns.has_value()) range.min_ns = std::max(range.min_ns, *min_ns);
  if (max_ns.has_value()) range.max_ns = std::min(range.max_ns, *max_ns);
  return range;
}

void TimeBounds::Intersect(const TimeBounds& other) {
  if (other.min_ns.has_value() && (!min_ns.has_value() || *other.min_ns > *min_ns)) {
    min_ns = other.min_ns;
  }
  if (other.max_ns.has_value() && (!max_ns.has_value() || *other.max_ns < *max_ns)) {
    max_ns = other.max_ns;
  }
}

ExprPtr RowTime() { return MakeExpr(VarRef{"time", DataType::kTime}); }

bool HasTimeBetween(const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return HasTimeBetween(*paren->inner);
  if (const auto* between = expr.As<Between>()) return IsTime(*between->expr);
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr || (binary->op != Operator::kAnd && binary->op != Operator::kOr)) {
    return false;
  }
  return HasTimeBetween(*binary->left) || HasTimeBetween(*binary->right);
}

bool HasRowTime(const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return HasRowTime(*paren->inner);
  if (const auto* ref = expr.As<VarRef>()) return ref->type == DataType::kTime;
  const auto* binary = expr.As<BinaryExpr>();
  return binary != nullptr && (HasRowTime(*binary->left) || HasRowTime(*binary->right));
}

absl::StatusOr<SplitCondition> SplitTime(const ExprPtr& condition, const TimeContext& context) {
  if (condition == nullptr) return SplitCondition{};
  ASSIGN_OR_RETURN(SplitCondition split, Split(condition, context));
  if (split.ranges.has_value()) {
    split.ranges = Intersection(*split.ranges, RangesOf(split.bounds.range()));
    const model::TimeRange hull = HullOf(*split.ranges);
    split.bounds = {hull.min_ns, hull.max_ns};
  }
  if (split.condition == nullptr) return split;
  if (const auto* paren = split.condition->As<ParenExpr>()) split.condition = paren->inner;
  const auto* boolean = split.condition->As<BooleanLiteral>();
  if (boolean != nullptr && boolean->value) split.condition = nullptr;
  return split;
}

}  // namespace varve::query
