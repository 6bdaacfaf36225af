// holt_winters, holt_winters_with_fit: damped, multiplicative exponential smoothing.
//
// Source: InfluxDB 1.x "query/functions.go", FloatHoltWintersReducer; Hyndman, Athanasopoulos,
// "Forecasting: principles and practice", 7.
#include <cmath>
#include <limits>
#include <vector>

#include "base/status.h"
#include "query/functions/function.h"
#include "query/functions/nelder_mead.h"
#include "query/functions/numbers.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

constexpr double kWeight = 0.5;
constexpr double kEpsilon = 1.0e-4;
// The grid of first guesses of the four smoothing parameters.
constexpr double kGuessLower = 0.3;
constexpr double kGuessUpper = 1.0;
constexpr double kGuessStep = 0.4;
// alpha, beta, gamma, phi, level, trend; then one parameter per point of a season.
constexpr size_t kFixedParameters = 6;

class Model {
 public:
  Model(std::vector<double> y, size_t season) : y_(std::move(y)), season_(season) {}

  // Values for every known point and `horizon` more, with the best parameters found.
  std::vector<double> Fit(size_t horizon) const {
    std::vector<double> parameters = FirstGuess();
    const Objective error = [this](std::vector<double>& p) { return SquaredError(p); };
    Minimum best;
    bool found = false;
    for (double alpha = kGuessLower; alpha < kGuessUpper; alpha += kGuessStep) {
      for (double beta = kGuessLower; beta < kGuessUpper; beta += kGuessStep) {
        for (double gamma = kGuessLower; gamma < kGuessUpper; gamma += kGuessStep) {
          for (double phi = kGuessLower; phi < kGuessUpper; phi += kGuessStep) {
            parameters[0] = alpha;
            parameters[1] = beta;
            parameters[2] = gamma;
            parameters[3] = phi;
            Minimum minimum = Minimize(error, parameters, kEpsilon, 1);
            if (found && !(minimum.value < best.value)) continue;
            best = std::move(minimum);
            found = true;
          }
        }
      }
    }
    return Forecast(horizon, best.at);
  }
  size_t known() const { return y_.size(); }

 private:
  bool seasonal() const { return season_ >= 2; }

  std::vector<double> FirstGuess() const {
    std::vector<double> parameters(kFixedParameters + (seasonal() ? season_ : 0));
    const auto m = static_cast<double>(season_);
    double level = 0;
    double trend = 0;
    if (!seasonal()) {
      level = kWeight * y_[0];
      if (!std::isnan(y_[1])) trend = kWeight * (y_[1] - y_[0]);
    } else {
      for (size_t i = 0; i < season_ && i < y_.size(); ++i) {
        if (!std::isnan(y_[i])) level += (1 / m) * y_[i];
      }
      for (size_t i = 0; i < season_ && season_ + i < y_.size(); ++i) {
        if (std::isnan(y_[i]) || std::isnan(y_[season_ + i])) continue;
        trend += 1 / (m * m) * (y_[season_ + i] - y_[i]);
      }
      for (size_t i = 0; i < season_ && i < y_.size(); ++i) {
        parameters[kFixedParameters + i] = std::isnan(y_[i]) ? 0 : y_[i] / level;
      }
    }
    parameters[4] = level;
    parameters[5] = trend;
    return parameters;
  }

  // Leaves the season it ended with in `p`, as the original does: the optimiser goes on from there.
  std::vector<double> Forecast(size_t horizon, std::vector<double>& p) const {
    for (size_t i = 0; i < 4; ++i) p[i] = p[i] > 1 ? 1 : p[i] < 0 ? 0 : p[i];
    const double alpha = p[0];
    const double beta = p[1];
    const double gamma = p[2];
    const double phi = p[3];
    double phi_h = phi;
    double y = y_[0];
    double level = p[4];
    double trend = p[5];
    double* seasons = p.data() + kFixedParameters;
    const size_t m = p.size() - kFixedParameters;
    size_t shift = m - 1;

    std::vector<double> out(y_.size() + horizon);
    out[0] = y;
    for (size_t t = 1; t < out.size(); ++t) {
      double season_then = 1;
      double season_now = 1;
      if (seasonal()) {
        season_then = seasons[(t - m + shift) % m];
        season_now = seasons[(t - m + t % m + shift) % m];
      }
      const double damped = level + phi * trend;
      const double next_level = alpha * (y / season_then) + (1 - alpha) * damped;
      const double next_trend = beta * (next_level - level) + (1 - beta) * phi * trend;
      const double season = gamma * (y / damped) + (1 - gamma) * season_then;
      y = (next_level + phi_h * next_trend) * season_now;
      level = next_level;
      trend = next_trend;
      phi_h += std::pow(phi, static_cast<double>(t));
      if (seasonal()) seasons[(t + shift++) % m] = season;
      out[t] = y;
    }
    return out;
  }

  double SquaredError(std::vector<double>& parameters) const {
    const std::vector<double> forecast = Forecast(0, parameters);
    double sum = 0;
    for (size_t i = 0; i < forecast.size(); ++i) {
      if (std::isnan(y_[i])) continue;
      if (std::isnan(forecast[i])) return std::numeric_limits<double>::infinity();
      const double difference = forecast[i] - y_[i];
      sum += difference * difference;
    }
    return sum;
  }

  std::vector<double> y_;  // NaN where a window has no value
  size_t season_;
};

int64_t RoundTime(int64_t t, int64_t interval) {
  return (t % interval > interval / 2 ? t / interval + 1 : t / interval) * interval;
}

// The values at every window from the first point to the last.
std::vector<double> Regular(const Points& input, const std::vector<size_t>& used,
                            int64_t interval) {
  std::vector<double> y{NumberOf(input.values[used[0]])};
  int64_t t = RoundTime(input.times[used[0]], interval);
  for (size_t i = 1; i < used.size(); ++i) {
    const int64_t rounded = RoundTime(input.times[used[i]], interval);
    if (rounded <= t) continue;
    for (t += interval; t != rounded; t += interval) {
      y.push_back(std::numeric_limits<double>::quiet_NaN());
    }
    y.push_back(NumberOf(input.values[used[i]]));
  }
  return y;
}

template <bool kWithFit>
Points HoltWinters(const TransformContext& context, const Points& input) {
  const auto horizon = static_cast<size_t>(context.call->args[1]->As<IntegerLiteral>()->value);
  const auto season = static_cast<size_t>(context.call->args[2]->As<IntegerLiteral>()->value);
  const int64_t interval = context.windows->interval().duration_ns;
  std::vector<size_t> used;
  for (size_t i = 0; i < input.size(); ++i) {
    if (!input.values[i].is_null()) used.push_back(i);
  }
  Points out;
  if (used.size() < 2 || (season >= 2 && used.size() < season)) return out;
  const int64_t first = input.times[used.front()];
  const int64_t last = input.times[used.back()];
  if (RoundTime(last, interval) - RoundTime(first, interval) < interval) return out;

  const Model model(Regular(input, used, interval), season);
  const std::vector<double> forecast = model.Fit(horizon);
  for (size_t i = kWithFit ? 0 : model.known(); i < forecast.size(); ++i) {
    if (std::isnan(forecast[i])) continue;
    const int64_t t = kWithFit ? first + interval * static_cast<int64_t>(i)
                               : last + interval * static_cast<int64_t>(i - model.known() + 1);
    out.Append(t, FieldValue::Float(forecast[i]));
  }
  return out;
}

absl::Status CheckHoltWinters(const Call& call, const ArgumentContext&) {
  const auto* n = call.args[1]->As<IntegerLiteral>();
  if (n == nullptr) {
    return base::InvalidArgument("expected integer argument as second arg in ", call.name);
  }
  if (n->value <= 0) {
    return base::InvalidArgument("second arg to ", call.name, " must be greater than 0, got ",
                                 n->value);
  }
  const auto* season = call.args[2]->As<IntegerLiteral>();
  if (season == nullptr) {
    return base::InvalidArgument("expected integer argument as third arg in ", call.name);
  }
  if (season->value < 0) {
    return base::InvalidArgument("third arg to ", call.name, " cannot be negative, got ",
                                 season->value);
  }
  return absl::OkStatus();
}

// InfluxDB's message about a wrong type speaks of elapsed(), too.
constexpr Function Row(std::string_view name, std::string_view usage, std::string_view about,
                       TransformFunction* transform) {
  return {.name = name,
          .usage = usage,
          .about = about,
          .kind = FunctionKind::kTransformation,
          .first = FirstArgument::kWindows,
          .min_arguments = 3,
          .max_arguments = 3,
          .check = CheckHoltWinters,
          .takes = {FieldType::kFloat, FieldType::kInteger},
          .gives = ResultType::kFloat,
          .transform = transform,
          .title = "elapsed"};
}

constexpr Function kFunctions[] = {
    Row("holt_winters", "holt_winters(call, n, season)",
        "the next n windows, as the Holt-Winters method predicts them", HoltWinters<false>),
    Row("holt_winters_with_fit", "holt_winters_with_fit(call, n, season)",
        "likewise, behind what it would have predicted for the known windows", HoltWinters<true>),
};

}  // namespace

std::span<const Function> HoltWintersFunctions() { return kFunctions; }

}  // namespace varve::query
