// Technical analysis: exponential moving averages and the oscillators.
//
// Source: github.com/phemmer/gota, as InfluxDB 1.x embeds it ("query/internal/gota").
#include <cmath>
#include <vector>

#include "base/status.h"
#include "query/functions/function.h"
#include "query/functions/numbers.h"
#include "query/functions/technical_averages.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

struct Arguments {
  int64_t period = 1;
  int64_t hold = -1;  // -1: as many values as the algorithm takes to warm up
  Warmup warmup = Warmup::kExponential;
};

Arguments ReadArguments(const Call& call, Warmup warmup) {
  Arguments arguments;
  arguments.warmup = warmup;
  arguments.period = call.args[1]->As<IntegerLiteral>()->value;
  if (call.args.size() > 2) arguments.hold = call.args[2]->As<IntegerLiteral>()->value;
  if (call.args.size() > 3) {
    const std::string& name = call.args[3]->As<StringLiteral>()->value;
    arguments.warmup = name == "simple"        ? Warmup::kSimple
                       : name == "exponential" ? Warmup::kExponential
                                               : Warmup::kNone;
  }
  return arguments;
}

// Feeds every value to `algorithm` and gives what it answers, but for the first `hold`.
template <typename Algorithm>
Points Feed(const Points& input, int64_t hold, Algorithm algorithm) {
  if (hold == -1) hold = algorithm.warm_count();
  Points out;
  int64_t count = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input.values[i].is_null()) continue;
    const double value = algorithm.Add(NumberOf(input.values[i]));
    if (++count > hold) out.Append(input.times[i], FieldValue::Float(value));
  }
  return out;
}

class Dema {
 public:
  explicit Dema(const Arguments& a) : first_(a.period, a.warmup), second_(a.period, a.warmup) {}
  double Add(double v) {
    const double a = first_.Add(v);
    const double b = first_.feeds() ? second_.Add(a) : a;
    return 2 * a - b;
  }
  int64_t warm_count() const {
    const bool exponential = first_.warmup() == Warmup::kExponential;
    return first_.warm_count() * (exponential ? 1 : 2);
  }

 private:
  EmaState first_;
  EmaState second_;
};

class Tema {
 public:
  explicit Tema(const Arguments& a)
      : first_(a.period, a.warmup), second_(a.period, a.warmup), third_(a.period, a.warmup) {}
  double Add(double v) {
    const double a = first_.Add(v);
    const double b = first_.feeds() ? second_.Add(a) : a;
    const double c = second_.feeds() ? third_.Add(b) : b;
    return 3 * a - 3 * b + c;
  }
  int64_t warm_count() const {
    const bool exponential = first_.warmup() == Warmup::kExponential;
    return first_.warm_count() * (exponential ? 1 : 3);
  }

 private:
  EmaState first_;
  EmaState second_;
  EmaState third_;
};

class Trix {
 public:
  explicit Trix(const Arguments& a)
      : first_(a.period, a.warmup), second_(a.period, a.warmup), third_(a.period, a.warmup) {}
  double Add(double v) {
    double current = first_.Add(v);
    if (first_.feeds()) {
      current = second_.Add(current);
      if (second_.feeds()) current = third_.Add(current);
    }
    const double rate = (current / last_ - 1) * 100;
    last_ = current;
    return rate;
  }
  int64_t warm_count() const {
    const bool exponential = first_.warmup() == Warmup::kExponential;
    return first_.warm_count() * (exponential ? 1 : 3) + 1;
  }

 private:
  EmaState first_;
  EmaState second_;
  EmaState third_;
  double last_ = 0;
};

// What rose and what fell, averaged with 1 / period.
class UpDown {
 public:
  explicit UpDown(const Arguments& a)
      : up_(a.period + 1, a.warmup, 1 / static_cast<double>(a.period)),
        down_(a.period + 1, a.warmup, 1 / static_cast<double>(a.period)) {}
  void Add(double v) {
    up_.Add(v > last_ ? v - last_ : 0);
    down_.Add(v < last_ ? last_ - v : 0);
    last_ = v;
  }
  double up() const { return up_.last(); }
  double down() const { return down_.last(); }
  int64_t warm_count() const { return up_.warm_count(); }

 private:
  EmaState up_;
  EmaState down_;
  double last_ = 0;
};

class Rsi {
 public:
  explicit Rsi(const Arguments& a) : moves_(a) {}
  double Add(double v) {
    moves_.Add(v);
    return 100 - (100 / (1 + moves_.up() / moves_.down()));
  }
  int64_t warm_count() const { return moves_.warm_count(); }

 private:
  UpDown moves_;
};

class SmoothedCmo {
 public:
  explicit SmoothedCmo(const Arguments& a) : moves_(a) {}
  double Add(double v) {
    moves_.Add(v);
    return 100 * ((moves_.up() - moves_.down()) / (moves_.up() + moves_.down()));
  }
  int64_t warm_count() const { return moves_.warm_count(); }

 private:
  UpDown moves_;
};

// The last `period` prices and their differences.
struct Ring {
  explicit Ring(int64_t period)
      : prices(static_cast<size_t>(period)), differences(static_cast<size_t>(period)) {}
  size_t oldest() const { return newest + 1 >= prices.size() ? 0 : newest + 1; }
  void Put(size_t at, double price, double difference) {
    prices[at] = price;
    differences[at] = difference;
    newest = at;
    if (count <= prices.size()) ++count;
  }
  bool warmed() const { return count == prices.size() + 1; }

  std::vector<double> prices;
  std::vector<double> differences;
  size_t newest = 0;
  size_t count = 0;
};

class Cmo {
 public:
  explicit Cmo(const Arguments& a) : ring_(a.period) {}
  double Add(double v) {
    const size_t oldest = ring_.oldest();
    const double difference = ring_.count == 0 ? 0 : v - ring_.prices[ring_.newest];
    if (difference > 0) up_ += difference;
    if (difference < 0) down_ -= difference;
    if (ring_.differences[oldest] > 0) up_ -= ring_.differences[oldest];
    if (ring_.differences[oldest] < 0) down_ += ring_.differences[oldest];
    ring_.Put(oldest, v, difference);
    return up_ != 0 || down_ != 0 ? 100.0 * ((up_ - down_) / (up_ + down_)) : 0;
  }
  int64_t warm_count() const { return static_cast<int64_t>(ring_.prices.size()) - 1; }

 private:
  Ring ring_;
  double up_ = 0;
  double down_ = 0;
};

class Ker {
 public:
  explicit Ker(const Arguments& a) : ring_(a.period) {}
  double Add(double v) {
    const size_t oldest = ring_.oldest();
    const double signal = std::fabs(v - ring_.prices[oldest]);
    const double difference = std::fabs(v - ring_.prices[ring_.newest]);
    noise_ -= ring_.differences[oldest];
    noise_ += difference;
    ring_.Put(oldest, v, difference);
    return signal == 0 || noise_ == 0 ? 0 : signal / noise_;
  }
  bool warmed() const { return ring_.warmed(); }
  double newest() const { return ring_.prices[ring_.newest]; }
  int64_t warm_count() const { return static_cast<int64_t>(ring_.prices.size()); }

 private:
  Ring ring_;
  double noise_ = 0;
};

class Kama {
 public:
  explicit Kama(const Arguments& a) : ratio_(a) {}
  double Add(double v) {
    if (!ratio_.warmed()) last_ = ratio_.newest();
    constexpr double kFast = 2.0 / (2.0 + 1.0);
    constexpr double kSlow = 2.0 / (30.0 + 1.0);
    const double smoothing = std::pow(ratio_.Add(v) * (kFast - kSlow) + kSlow, 2);
    last_ = last_ + smoothing * (v - last_);
    return last_;
  }
  int64_t warm_count() const { return ratio_.warm_count(); }

 private:
  Ker ratio_;
  double last_ = 0;
};

class Ema : public EmaState {
 public:
  explicit Ema(const Arguments& a) : EmaState(a.period, a.warmup) {}
};

template <typename Algorithm>
Points Run(const TransformContext& context, const Points& input) {
  const Arguments arguments = ReadArguments(*context.call, Warmup::kExponential);
  return Feed(input, arguments.hold, Algorithm(arguments));
}
Points ChandeMomentumOscillator(const TransformContext& context, const Points& input) {
  const Arguments arguments = ReadArguments(*context.call, Warmup::kNone);
  if (arguments.warmup == Warmup::kNone) return Feed(input, arguments.hold, Cmo(arguments));
  return Feed(input, arguments.hold, SmoothedCmo(arguments));
}

// `kMinHold`: of the hold period, beside -1. `kOwnWarmup`: a warmup of its own is known by that
// name.
template <int64_t kMinHold, bool kOwnWarmup>
absl::Status CheckTechnical(const Call& call, const ArgumentContext&) {
  const auto* period = call.args[1]->As<IntegerLiteral>();
  if (period == nullptr) return base::InvalidArgument(call.name, " period must be an integer");
  if (period->value < 1) {
    return base::InvalidArgument(call.name, " period must be greater than or equal to 1");
  }
  if (call.args.size() >= 3) {
    const auto* hold = call.args[2]->As<IntegerLiteral>();
    if (hold == nullptr) {
      return base::InvalidArgument(call.name, " hold period must be an integer");
    }
    if (hold->value < kMinHold && hold->value != -1) {
      return base::InvalidArgument(call.name, " hold period must be greater than or equal to ",
                                   kMinHold);
    }
  }
  if (call.args.size() >= 4) {
    const auto* warmup = call.args[3]->As<StringLiteral>();
    if (warmup == nullptr) {
      return base::InvalidArgument(call.name, " warmup type must be a string");
    }
    const bool known = warmup->value == "exponential" || warmup->value == "simple" ||
                       (kOwnWarmup && warmup->value == "none");
    if (!known) {
      return base::InvalidArgument(call.name,
                                   " warmup type must be one of: ", kOwnWarmup ? "'none' " : "",
                                   "'exponential' 'simple'");
    }
  }
  return absl::OkStatus();
}

constexpr Function Row(std::string_view name, std::string_view usage, std::string_view about,
                       size_t max_arguments,
                       absl::Status (*check)(const Call&, const ArgumentContext&),
                       TransformFunction* transform, std::string_view title) {
  return {.name = name,
          .usage = usage,
          .about = about,
          .kind = FunctionKind::kTransformation,
          .first = FirstArgument::kFieldOrWindows,
          .min_arguments = 2,
          .max_arguments = max_arguments,
          .check = check,
          .gives = ResultType::kFloat,
          .transform = transform,
          .title = title,
          .reads_before = true};
}

constexpr Function kFunctions[] = {
    Row("chande_momentum_oscillator",
        "chande_momentum_oscillator(field, period [, hold [, warmup]])",
        "Chande's momentum oscillator; warmup 'none' (unless given), 'simple' or 'exponential'", 4,
        CheckTechnical<0, true>, ChandeMomentumOscillator, "chande momentum oscillator"),
    Row("double_exponential_moving_average",
        "double_exponential_moving_average(field, period [, hold [, warmup]])",
        "the exponential moving average with less lag", 4, CheckTechnical<0, false>, Run<Dema>,
        "double exponential moving average"),
    Row("exponential_moving_average",
        "exponential_moving_average(field, period [, hold [, warmup]])",
        "a moving average that weighs old values less; hold: how many values are kept back; warmup "
        "'exponential' or 'simple'",
        4, CheckTechnical<0, false>, Run<Ema>, "exponential moving average"),
    Row("kaufmans_adaptive_moving_average",
        "kaufmans_adaptive_moving_average(field, period [, hold])",
        "Kaufman's moving average, slow where values go up and down", 3, CheckTechnical<0, false>,
        Run<Kama>, "kaufmans adaptive moving average"),
    Row("kaufmans_efficiency_ratio", "kaufmans_efficiency_ratio(field, period [, hold])",
        "the change over the period beside the sum of the changes in it", 3,
        CheckTechnical<0, false>, Run<Ker>, "kaufmans efficiency ratio"),
    Row("relative_strength_index", "relative_strength_index(field, period [, hold [, warmup]])",
        "the relative strength index, 0 to 100", 4, CheckTechnical<0, false>, Run<Rsi>,
        "relative strength index"),
    Row("triple_exponential_derivative",
        "triple_exponential_derivative(field, period [, hold [, warmup]])",
        "the change of the triple exponential moving average in per cent", 4,
        CheckTechnical<1, false>, Run<Trix>, "triple exponential derivative"),
    Row("triple_exponential_moving_average",
        "triple_exponential_moving_average(field, period [, hold [, warmup]])",
        "the exponential moving average with hardly any lag", 4, CheckTechnical<0, false>,
        Run<Tema>, "triple exponential moving average"),
};

}  // namespace

std::span<const Function> TechnicalFunctions() { return kFunctions; }

}  // namespace varve::query
