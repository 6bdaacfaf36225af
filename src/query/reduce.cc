// Constant folding. The rules, odd ones included, are those of influxql.Reduce: what cannot be
// folded stays a BinaryExpr and means what the row evaluator says.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "query/condition.h"
#include "query/time_text.h"

namespace varve::query {
namespace {

constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

ExprPtr Boolean(bool value) { return MakeExpr(BooleanLiteral{value}); }
ExprPtr Integer(uint64_t value) { return MakeExpr(IntegerLiteral{static_cast<int64_t>(value)}); }
ExprPtr Number(double value) { return MakeExpr(NumberLiteral{value}); }

int64_t AddWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t SubWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t MulWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t DivideOrZero(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? SubWrapping(0, a) : a / b;
}
// Times saturate where InfluxDB's have room; both are then refused as out of range.
int64_t AddSaturating(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? kInt64Max : kInt64Min;
}
int64_t SubSaturating(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? kInt64Max : kInt64Min;
}
int64_t ToInt64(double value) {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return kInt64Min;
  return static_cast<int64_t>(value);
}

// The six comparisons of two values of one type; null for another operator.
template <typename T>
ExprPtr Compare(Operator op, const T& a, const T& b) {
  switch (op) {
    case Operator::kEq:
      return Boolean(a == b);
    case Operator::kNeq:
      return Boolean(a != b);
    case Operator::kLt:
      return Boolean(a < b);
    case Operator::kLte:
      return Boolean(a <= b);
    case Operator::kGt:
      return Boolean(a > b);
    case Operator::kGte:
      return Boolean(a >= b);
    default:
      return nullptr;
  }
}

ExprPtr FoldNumbers(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return Number(a + b);
    case Operator::kSub:
      return Number(a - b);
    case Operator::kMul:
      return Number(a * b);
    case Operator::kDiv:
      return Number(b == 0 ? 0 : a / b);
    case Operator::kMod:
      return Number(std::fmod(a, b));
    default:
      return Compare(op, a, b);
  }
}

ExprPtr FoldIntegers(Operator op, int64_t a, int64_t b) {
  const uint64_t ua = static_cast<uint64_t>(a);
  const uint64_t ub = static_cast<uint64_t>(b);
  switch (op) {
    case Operator::kAdd:
      return Integer(ua + ub);
    case Operator::kSub:
      return Integer(ua - ub);
    case Operator::kMul:
      return Integer(ua * ub);
    case Operator::kDiv:
      return Number(b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b));
    case Operator::kMod:
      return Integer(b == 0 || b == -1 ? 0 : static_cast<uint64_t>(a % b));
    case Operator::kBitAnd:
      return Integer(ua & ub);
    case Operator::kBitOr:
      return Integer(ua | ub);
    case Operator::kBitXor:
      return Integer(ua ^ ub);
    default:
      return Compare(op, a, b);
  }
}

ExprPtr FoldUnsigned(Operator op, uint64_t a, uint64_t b) {
  const auto make = [](uint64_t value) { return MakeExpr(UnsignedLiteral{value}); };
  switch (op) {
    case Operator::kAdd:
      return make(a + b);
    case Operator::kSub:
      return make(a - b);
    case Operator::kMul:
      return make(a * b);
    case Operator::kDiv:
      return make(b == 0 ? 0 : a / b);
    case Operator::kMod:
      return make(b == 0 ? 0 : a % b);
    default:
      return Compare(op, a, b);
  }
}

ExprPtr FoldBooleans(Operator op, bool a, bool b) {
  switch (op) {
    case Operator::kEq:
      return Boolean(a == b);
    case Operator::kAnd:
    case Operator::kBitAnd:
      return Boolean(a && b);
    case Operator::kOr:
    case Operator::kBitOr:
      return Boolean(a || b);
    case Operator::kNeq:
    case Operator::kBitXor:
      return Boolean(a != b);
    default:
      return nullptr;
  }
}

ExprPtr FoldTimes(Operator op, int64_t a, int64_t b) {
  if (op == Operator::kSub) return MakeExpr(DurationLiteral{SubSaturating(a, b)});
  return Compare(op, a, b);
}

ExprPtr FoldTimeAndDuration(Operator op, int64_t time, int64_t duration) {
  if (op == Operator::kAdd) return MakeExpr(TimeLiteral{AddSaturating(time, duration)});
  if (op == Operator::kSub) return MakeExpr(TimeLiteral{SubSaturating(time, duration)});
  return nullptr;
}

// `time` so many months on by the calendar of the zone, at the same time of day; in a month that is
// too short for the day it is the last.
int64_t MoveMonths(int64_t time, int64_t months, absl::TimeZone zone) {
  const absl::Time at = absl::FromUnixNanos(time);
  const absl::TimeZone::CivilInfo local = zone.At(at);
  const absl::CivilMonth month = absl::CivilMonth(local.cs) + months;
  const int last_day = static_cast<int>((absl::CivilDay(month + 1) - 1).day());
  const absl::CivilSecond moved(month.year(), month.month(), std::min(local.cs.day(), last_day),
                                local.cs.hour(), local.cs.minute(), local.cs.second());
  return ToNsSaturated(absl::FromCivil(moved, zone) + local.subsecond);
}

ExprPtr ScaleDuration(Operator op, int64_t ns, int64_t factor) {
  if (op == Operator::kMul) return MakeExpr(DurationLiteral{MulWrapping(ns, factor)});
  if (op == Operator::kDiv) return MakeExpr(DurationLiteral{DivideOrZero(ns, factor)});
  return nullptr;
}

ExprPtr FoldDurations(Operator op, int64_t a, int64_t b) {
  if (op == Operator::kAdd) return MakeExpr(DurationLiteral{AddWrapping(a, b)});
  if (op == Operator::kSub) return MakeExpr(DurationLiteral{SubWrapping(a, b)});
  return Compare(op, a, b);
}

// Folds two reduced operands by the type of the left one. Null: they stay as they are.
class Folder {
 public:
  explicit Folder(absl::TimeZone zone) : zone_(zone) {}

  ExprPtr Fold(Operator op, const Expr& left, const Expr& right) const {
    if (const auto* e = left.As<BooleanLiteral>()) return BooleanLeft(op, e->value, right);
    if (const auto* e = left.As<DurationLiteral>()) return DurationLeft(op, e->ns, right);
    if (const auto* e = left.As<IntegerLiteral>()) return IntegerLeft(op, e->value, right);
    if (const auto* e = left.As<UnsignedLiteral>()) return UnsignedLeft(op, e->value, right);
    if (const auto* e = left.As<NumberLiteral>()) return NumberLeft(op, e->value, right);
    if (const auto* e = left.As<StringLiteral>()) return StringLeft(op, e->value, right);
    if (const auto* e = left.As<TimeLiteral>()) return TimeLeft(op, e->ns, right);
    if (left.As<NilLiteral>() != nullptr && (op == Operator::kEq || op == Operator::kNeq)) {
      return Boolean(false);
    }
    return nullptr;
  }

 private:
  std::optional<int64_t> TimeOf(const Expr& expr) const {
    const auto* text = expr.As<StringLiteral>();
    return text == nullptr ? std::nullopt : ParseTimeString(text->value, zone_);
  }

  static ExprPtr BooleanLeft(Operator op, bool left, const Expr& right) {
    if (const auto* e = right.As<BooleanLiteral>()) return FoldBooleans(op, left, e->value);
    return right.As<NilLiteral>() != nullptr ? Boolean(false) : nullptr;
  }

  ExprPtr DurationLeft(Operator op, int64_t left, const Expr& right) const {
    if (const auto* e = right.As<DurationLiteral>()) return FoldDurations(op, left, e->ns);
    if (const auto* e = right.As<NumberLiteral>()) {
      return ScaleDuration(op, left, ToInt64(e->value));
    }
    if (const auto* e = right.As<IntegerLiteral>()) return ScaleDuration(op, left, e->value);
    if (right.As<NilLiteral>() != nullptr) return Boolean(false);
    std::optional<int64_t> time = TimeOf(right);
    if (const auto* e = right.As<TimeLiteral>()) time = e->ns;
    if (!time.has_value() || op != Operator::kAdd) return nullptr;
    return MakeExpr(TimeLiteral{AddSaturating(*time, left)});
  }

  ExprPtr IntegerLeft(Operator op, int64_t left, const Expr& right) const {
    if (const auto* e = right.As<NumberLiteral>()) {
      return FoldNumbers(op, static_cast<double>(left), e->value);
    }
    if (const auto* e = right.As<IntegerLiteral>()) return FoldIntegers(op, left, e->value);
    if (const auto* e = right.As<UnsignedLiteral>()) {
      if (left < 0 && (op == Operator::kLt || op == Operator::kLte)) return Boolean(true);
      if (left < 0 && (op == Operator::kGt || op == Operator::kGte)) return Boolean(false);
      return FoldUnsigned(op, static_cast<uint64_t>(left), e->value);
    }
    // Beside a duration an integer is a time, beside a time a duration.
    if (const auto* e = right.As<DurationLiteral>()) return FoldTimeAndDuration(op, left, e->ns);
    return DurationLeft(op, left, right);
  }

  static ExprPtr UnsignedLeft(Operator op, uint64_t left, const Expr& right) {
    if (const auto* e = right.As<NumberLiteral>()) {
      return FoldNumbers(op, static_cast<double>(left), e->value);
    }
    if (const auto* e = right.As<IntegerLiteral>()) {
      if (e->value < 0 && (op == Operator::kLt || op == Operator::kLte)) return Boolean(false);
      if (e->value < 0 && (op == Operator::kGt || op == Operator::kGte)) return Boolean(true);
      return FoldUnsigned(op, left, static_cast<uint64_t>(e->value));
    }
    const auto* e = right.As<UnsignedLiteral>();
    return e == nullptr ? nullptr : FoldUnsigned(op, left, e->value);
  }

  static ExprPtr NumberLeft(Operator op, double left, const Expr& right) {
    if (const auto* e = right.As<NumberLiteral>()) return FoldNumbers(op, left, e->value);
    if (const auto* e = right.As<IntegerLiteral>()) {
      return FoldNumbers(op, left, static_cast<double>(e->value));
    }
    if (const auto* e = right.As<UnsignedLiteral>()) {
      return FoldNumbers(op, left, static_cast<double>(e->value));
    }
    return right.As<NilLiteral>() != nullptr ? Boolean(false) : nullptr;
  }

  ExprPtr StringLeft(Operator op, const std::string& left, const Expr& right) const {
    const bool equality = op == Operator::kEq || op == Operator::kNeq;
    if (right.As<NilLiteral>() != nullptr) return equality ? Boolean(false) : nullptr;
    const std::optional<int64_t> time = ParseTimeString(left, zone_);
    if (const auto* e = right.As<StringLiteral>()) {
      if (op == Operator::kAdd) return MakeExpr(StringLiteral{left + e->value});
      if (equality) {
        // Two spellings of one time are equal.
        const std::optional<int64_t> other = ParseTimeString(e->value, zone_);
        if (time.has_value() && other.has_value()) return FoldTimes(op, *time, *other);
        return Boolean((left == e->value) == (op == Operator::kEq));
      }
    }
    const bool timely =
        right.As<StringLiteral>() != nullptr || right.As<DurationLiteral>() != nullptr ||
        right.As<TimeLiteral>() != nullptr || right.As<IntegerLiteral>() != nullptr ||
        right.As<CalendarLiteral>() != nullptr;
    return timely && time.has_value() ? TimeLeft(op, *time, right) : nullptr;
  }

  ExprPtr TimeLeft(Operator op, int64_t left, const Expr& right) const {
    if (const auto* e = right.As<DurationLiteral>()) return FoldTimeAndDuration(op, left, e->ns);
    if (const auto* e = right.As<IntegerLiteral>()) return FoldTimeAndDuration(op, left, e->value);
    if (const auto* e = right.As<TimeLiteral>()) return FoldTimes(op, left, e->ns);
    if (right.As<NilLiteral>() != nullptr) return Boolean(false);
    if (const auto* e = right.As<CalendarLiteral>()) {
      if (op == Operator::kAdd) return MakeExpr(TimeLiteral{MoveMonths(left, e->months, zone_)});
      if (op == Operator::kSub) return MakeExpr(TimeLiteral{MoveMonths(left, -e->months, zone_)});
      return nullptr;
    }
    const std::optional<int64_t> time = TimeOf(right);
    return time.has_value() ? FoldTimes(op, left, *time) : nullptr;
  }

  absl::TimeZone zone_;
};

class Reducer {
 public:
  explicit Reducer(const TimeContext* context)
      : context_(context), folder_(context == nullptr ? absl::UTCTimeZone() : context->zone) {}

  ExprPtr Reduce(const ExprPtr& expr) const {
    if (const auto* e = expr->As<BinaryExpr>()) return ReduceBinary(expr, *e);
    if (const auto* e = expr->As<Call>()) return ReduceCall(expr, *e);
    if (const auto* e = expr->As<ParenExpr>()) {
      ExprPtr inner = Reduce(e->inner);
      if (inner->As<BinaryExpr>() == nullptr) return inner;
      return inner == e->inner ? expr : MakeExpr(ParenExpr{std::move(inner)});
    }
    return expr;
  }

 private:
  ExprPtr ReduceBinary(const ExprPtr& whole, const BinaryExpr& expr) const {
    ExprPtr left = Reduce(expr.left);
    ExprPtr right = Reduce(expr.right);
    if (expr.op == Operator::kAnd || expr.op == Operator::kOr) {
      // false decides an AND, true an OR; the other one leaves the other side.
      const bool decisive = expr.op == Operator::kOr;
      const auto* a = left->As<BooleanLiteral>();
      const auto* b = right->As<BooleanLiteral>();
      if ((a != nullptr && a->value == decisive) || (b != nullptr && b->value == decisive)) {
        return Boolean(decisive);
      }
      if (a != nullptr) return right;
      if (b != nullptr) return left;
    }
    if (ExprPtr folded = folder_.Fold(expr.op, *left, *right)) return folded;
    if (left == expr.left && right == expr.right) return whole;
    return MakeExpr(BinaryExpr{expr.op, std::move(left), std::move(right)});
  }

  ExprPtr ReduceCall(const ExprPtr& whole, const Call& call) const {
    if (context_ != nullptr && call.name == "now" && call.args.empty()) {
      return MakeExpr(TimeLiteral{context_->now_ns});
    }
    Call reduced{call.name, {}};
    bool changed = false;
    for (const ExprPtr& arg : call.args) {
      reduced.args.push_back(Reduce(arg));
      changed = changed || reduced.args.back() != arg;
    }
    return changed ? MakeExpr(std::move(reduced)) : whole;
  }

  const TimeContext* context_;
  Folder folder_;
};

}  // namespace

ExprPtr Reduce(const ExprPtr& expr, const TimeContext* context) {
  if (expr == nullptr) return nullptr;
  ExprPtr reduced = Reducer(context).Reduce(expr);
  const auto* paren = reduced->As<ParenExpr>();
  return paren == nullptr ? reduced : paren->inner;
}

ExprPtr ReduceKeepingParens(const ExprPtr& expr, const TimeContext* context) {
  return Reducer(context).Reduce(expr);
}

}  // namespace varve::query
