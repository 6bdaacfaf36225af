// The exponential moving average, which half of technical analysis is made of.
//
// Source: github.com/phemmer/gota (EMA), as InfluxDB 1.x embeds it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve::query {

// How the first values are averaged.
enum class Warmup : uint8_t { kExponential, kSimple, kNone };

class EmaState {
 public:
  EmaState(int64_t period, Warmup warmup, double alpha)
      : period_(period), warmup_(warmup), alpha_(alpha) {}
  EmaState(int64_t period, Warmup warmup)
      : EmaState(period, warmup, 2 / static_cast<double>(period + 1)) {}

  double Add(double v) {
    if (count_ == 0) {
      last_ = v;
    } else if (!warmed() && warmup_ == Warmup::kSimple) {
      const auto n = static_cast<double>(count_);
      last_ = (last_ * n + v) / (n + 1);
    } else {
      // While warming up a greater weight keeps the first value from dominating.
      const double alpha = warmed() ? alpha_ : 2 / static_cast<double>(count_ + 2);
      last_ = (v - last_) * alpha + last_;
    }
    if (count_ < period_) ++count_;
    return last_;
  }
  double last() const { return last_; }
  bool warmed() const { return count_ == period_; }
  // True when a further average may be fed from this one.
  bool feeds() const { return warmed() || warmup_ == Warmup::kExponential; }
  int64_t warm_count() const { return period_ - 1; }
  Warmup warmup() const { return warmup_; }

 private:
  int64_t period_;
  Warmup warmup_;
  double alpha_;
  double last_ = 0;
  int64_t count_ = 0;
};

}  // namespace varve::query
