// integral: the area under the points, by trapezia, split at the borders of windows.
#include "base/status.h"
#include "query/functions/function.h"
#include "query/functions/numbers.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

class Integrator {
 public:
  Integrator(const TransformContext& context, double unit, Points* out)
      : context_(context), unit_(unit), windowed_(!context.windows->interval().zero()), out_(out) {}

  void Add(int64_t time, double value) {
    if (!begun_) {
      begun_ = true;
      Enter(time);
      Keep(time, value);
      return;
    }
    if (time == time_) return Keep(time, value);
    double height = value;
    if (windowed_ && (context_.ascending ? time >= end_ : time <= end_)) {
      if (time_ != end_) {
        const double slope = (value - value_) / static_cast<double>(time - time_);
        const double at_end = slope * static_cast<double>(end_ - time_) + value_;
        sum_ += Area(time_, value_, end_, at_end);
        time_ = end_;
        if (context_.type == FieldType::kFloat) {
          value_ = at_end;
        } else {
          // InfluxDB's integers go on from the old height to the one at the border.
          height = at_end;
        }
      }
      out_->Append(start_, FieldValue::Float(sum_));
      sum_ = 0;
      Enter(time);
    }
    sum_ += Area(time_, value_, time, height);
    Keep(time, value);
  }
  // A last point at the very start of a window spans no area in it.
  void Finish() {
    if (begun_ && time_ != start_) out_->Append(start_, FieldValue::Float(sum_));
  }

 private:
  void Keep(int64_t time, double value) {
    time_ = time;
    value_ = value;
  }
  void Enter(int64_t time) {
    if (!windowed_) return;
    const Window window = context_.windows->At(time);
    start_ = context_.ascending ? window.start_ns : window.end_ns;
    end_ = context_.ascending ? window.end_ns : window.start_ns;
  }
  double Area(int64_t t0, double v0, int64_t t1, double v1) const {
    return 0.5 * (v0 + v1) * (static_cast<double>(t1 - t0) / unit_);
  }

  const TransformContext& context_;
  double unit_;
  bool windowed_;
  Points* out_;
  bool begun_ = false;
  int64_t time_ = 0;
  double value_ = 0;
  int64_t start_ = 0;
  int64_t end_ = 0;
  double sum_ = 0;
};

Points Integral(const TransformContext& context, const Points& input) {
  const auto& args = context.call->args;
  const double unit =
      args.size() > 1 ? static_cast<double>(args[1]->As<DurationLiteral>()->ns) : 1e9;
  Points out;
  Integrator integrator(context, unit, &out);
  for (size_t i = 0; i < input.size(); ++i) {
    if (!input.values[i].is_null()) integrator.Add(input.times[i], NumberOf(input.values[i]));
  }
  integrator.Finish();
  return out;
}

absl::Status CheckUnit(const Call& call, const ArgumentContext&) {
  if (call.args.size() < 2) return absl::OkStatus();
  if (const auto* unit = call.args[1]->As<DurationLiteral>()) return CheckPositiveDuration(*unit);
  return base::InvalidArgument("second argument must be a duration");
}

constexpr Function kFunctions[] = {
    {.name = "integral",
     .usage = "integral(field [, unit])",
     .about = "the area under the values, by trapezia, in units of time, by default 1s",
     .kind = FunctionKind::kTransformation,
     .max_arguments = 2,
     .check = CheckUnit,
     .gives = ResultType::kFloat,
     .transform = Integral,
     .title = "integral"},
};

}  // namespace

std::span<const Function> IntegralFunctions() { return kFunctions; }

}  // namespace varve::query
