// What a SELECT says about the calendar: parts of times, windows of months and weeks.
#include "absl/strings/ascii.h"
#include "base/status.h"
#include "query/compile_state.h"

namespace varve::query {
namespace {

constexpr int64_t kDayNs = 86'400'000'000'000;
constexpr int64_t kWeekNs = 7 * kDayNs;
// The mean month of the Gregorian calendar, 30.436875 days.
constexpr int64_t kMonthNs = 2'629'746'000'000'000;
// Windows of the calendar begin at most so many days beside their place.
constexpr int64_t kOffsetMaxNs = 31 * kDayNs;

bool IsTimeName(const Expr& expr) {
  const auto* ref = expr.As<VarRef>();
  return ref != nullptr && ref->name == "time" && ref->type == DataType::kUnknown;
}

// The texts are those of date_part() in InfluxDB's 1.x branch.
absl::StatusOr<DatePart> DatePartOf(const Call& call) {
  if (call.args.size() != 2) {
    return base::InvalidArgument("invalid number of arguments for date_part, expected 2, got ",
                                 call.args.size());
  }
  const auto* name = call.args[0]->As<StringLiteral>();
  if (name == nullptr) {
    return base::InvalidArgument("date_part: first argument must be a string");
  }
  const std::optional<DatePart> part = ParseDatePart(name->value);
  if (!part.has_value()) {
    return base::InvalidArgument("date_part: first argument must be one of the following: [",
                                 DatePartNames(), "]");
  }
  if (call.args[1]->As<VarRef>() == nullptr) {
    return base::InvalidArgument("date_part: second argument must be a variable reference");
  }
  if (!IsTimeName(*call.args[1])) {
    return base::InvalidArgument("date_part: second argument must be time VarRef");
  }
  return *part;
}

absl::StatusOr<ExprPtr> BindCall(const ExprPtr& expr, const Call& call, absl::TimeZone zone) {
  if (call.name == "date_part") {
    ASSIGN_OR_RETURN(const DatePart part, DatePartOf(call));
    return MakeExpr(TimePart{part, zone, call});
  }
  if (call.args.size() == 1 && IsTimeName(*call.args[0])) {
    if (const auto part = PartOfFunction(call.name)) return MakeExpr(TimePart{*part, zone, call});
  }
  Call copy = call;
  bool changed = false;
  for (ExprPtr& arg : copy.args) {
    ASSIGN_OR_RETURN(ExprPtr bound, BindTimeParts(arg, zone));
    changed = changed || bound != arg;
    arg = std::move(bound);
  }
  return changed ? MakeExpr(std::move(copy)) : expr;
}

// 0 is Sunday; nullopt for what names no day.
std::optional<int64_t> Weekday(const Expr& expr) {
  static constexpr std::string_view kDays[] = {"sunday",   "monday", "tuesday", "wednesday",
                                               "thursday", "friday", "saturday"};
  const auto* ref = expr.As<VarRef>();
  if (ref == nullptr || ref->type != DataType::kUnknown) return std::nullopt;
  const std::string lower = absl::AsciiStrToLower(base::ToAbsl(ref->name));
  for (size_t i = 0; i < std::size(kDays); ++i) {
    if (kDays[i] == lower) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

absl::Status CompileMonths(const Call& call, int64_t months, Interval* interval) {
  if (months <= 0) {
    return base::InvalidArgument("windows of the calendar must be longer than nothing");
  }
  interval->months = months;
  interval->duration_ns = months * kMonthNs;
  if (call.args.size() < 2) return absl::OkStatus();
  if (const auto* offset = call.args[1]->As<CalendarLiteral>()) {
    interval->origin = offset->months % months;
    return absl::OkStatus();
  }
  const auto* offset = call.args[1]->As<DurationLiteral>();
  if (offset == nullptr || offset->ns > kOffsetMaxNs || offset->ns < -kOffsetMaxNs) {
    return base::InvalidArgument(
        "the offset of a window of the calendar must be a duration of at most 31 days, or months");
  }
  interval->offset_ns = offset->ns;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExprPtr> BindTimeParts(const ExprPtr& expr, absl::TimeZone zone) {
  if (expr == nullptr) return expr;
  if (const auto* call = expr->As<Call>()) return BindCall(expr, *call, zone);
  if (const auto* paren = expr->As<ParenExpr>()) {
    ASSIGN_OR_RETURN(ExprPtr inner, BindTimeParts(paren->inner, zone));
    return inner == paren->inner ? expr : MakeExpr(ParenExpr{std::move(inner)});
  }
  if (const auto* binary = expr->As<BinaryExpr>()) {
    ASSIGN_OR_RETURN(ExprPtr left, BindTimeParts(binary->left, zone));
    ASSIGN_OR_RETURN(ExprPtr right, BindTimeParts(binary->right, zone));
    if (left == binary->left && right == binary->right) return expr;
    return MakeExpr(BinaryExpr{binary->op, std::move(left), std::move(right)});
  }
  if (const auto* between = expr->As<Between>()) {
    ASSIGN_OR_RETURN(ExprPtr subject, BindTimeParts(between->expr, zone));
    ASSIGN_OR_RETURN(ExprPtr low, BindTimeParts(between->low, zone));
    ASSIGN_OR_RETURN(ExprPtr high, BindTimeParts(between->high, zone));
    return MakeExpr(Between{std::move(subject), std::move(low), std::move(high)});
  }
  return expr;
}

absl::StatusOr<bool> CompileCalendar(const Call& call, Interval* interval) {
  if (call.args.empty() || call.args.size() > 2) return false;
  if (const auto* length = call.args[0]->As<CalendarLiteral>()) {
    RETURN_IF_ERROR(CompileMonths(call, length->months, interval));
    return true;
  }
  const auto* length = call.args[0]->As<DurationLiteral>();
  if (length == nullptr || call.args.size() < 2) return false;
  const std::optional<int64_t> weekday = Weekday(*call.args[1]);
  if (!weekday.has_value()) return false;
  if (length->ns <= 0 || length->ns % kWeekNs != 0) {
    return base::InvalidArgument("windows that begin with a weekday must be whole weeks");
  }
  interval->duration_ns = length->ns;
  interval->days = length->ns / kDayNs;
  interval->origin = (*weekday + 3) % 7;  // 1970-01-01 was a Thursday
  return true;
}

}  // namespace varve::query
