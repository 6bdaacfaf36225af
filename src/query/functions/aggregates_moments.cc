// count, sum, mean, spread, stddev: states of a few words.
#include <algorithm>
#include <cmath>
#include <limits>

#include "query/functions/aggregate_inline.h"
#include "query/functions/function.h"

namespace varve::query {
namespace {

using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;

// Integers wrap around, as Go's do.
template <typename T>
T Plus(T a, T b) {
  if constexpr (std::is_same_v<T, double>) {
    return a + b;
  } else {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
}

// Eight independent sums, so that the additions of floats do not wait for each other.
template <typename T>
T SumOf(const T* values, uint32_t begin, uint32_t end) {
  T lanes[8] = {};
  uint32_t i = begin;
  for (; i + 8 <= end; i += 8) {
    for (uint32_t lane = 0; lane < 8; ++lane) lanes[lane] = Plus(lanes[lane], values[i + lane]);
  }
  T sum = Plus(Plus(Plus(lanes[0], lanes[1]), Plus(lanes[2], lanes[3])),
               Plus(Plus(lanes[4], lanes[5]), Plus(lanes[6], lanes[7])));
  for (; i < end; ++i) sum = Plus(sum, values[i]);
  return sum;
}

template <typename T>
double AsDouble(const FieldValue& value) {
  return static_cast<double>(GetValue<T>(value));
}

class CountAggregator final : public Aggregator {
 public:
  void Resize(size_t slots) override {
    if (slots > counts_.size()) counts_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    if (input.column.type == FieldType::kNone) return;
    for (const Run& run : runs) {
      if (input.column.validity == nullptr) {
        counts_[run.slot] += run.end - run.begin;
      } else {
        ForEachValid(input.column, run.begin, run.end, [&](uint32_t) { ++counts_[run.slot]; });
      }
    }
  }
  void UpdateFromStatistics(uint32_t slot, const FieldStatistics& statistics) override {
    counts_[slot] += static_cast<int64_t>(statistics.count);
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const CountAggregator&>(other).counts_;
    for (size_t i = 0; i < from.size(); ++i) counts_[slot_of[i]] += from[i];
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    if (counts_[slot] > 0) out->Append(start_ns, FieldValue::Integer(counts_[slot]));
  }
  size_t bytes() const override { return counts_.capacity() * sizeof(int64_t); }

 private:
  std::vector<int64_t> counts_;
};

template <typename T>
struct SumKernel {
  using Value = T;
  struct State {
    T sum{};
    bool seen = false;
  };
  static void Run(State& s, const T* values, uint32_t begin, uint32_t end) {
    s.sum = Plus(s.sum, SumOf(values, begin, end));
    s.seen = true;
  }
  static void One(State& s, T v) {
    s.sum = Plus(s.sum, v);
    s.seen = true;
  }
  static void Statistics(State& s, const FieldStatistics& f) { One(s, GetValue<T>(f.sum)); }
  static void Merge(State& s, const State& from) {
    s.sum = Plus(s.sum, from.sum);
    s.seen |= from.seen;
  }
  static bool Result(const State& s, FieldValue* value) {
    *value = MakeValue(s.sum);
    return s.seen;
  }
};

template <typename T>
struct MeanKernel {
  using Value = T;
  struct State {
    T sum{};
    uint64_t count = 0;
  };
  static void Run(State& s, const T* values, uint32_t begin, uint32_t end) {
    s.sum = Plus(s.sum, SumOf(values, begin, end));
    s.count += end - begin;
  }
  static void One(State& s, T v) {
    s.sum = Plus(s.sum, v);
    ++s.count;
  }
  static void Statistics(State& s, const FieldStatistics& f) {
    s.sum = Plus(s.sum, GetValue<T>(f.sum));
    s.count += f.count;
  }
  static void Merge(State& s, const State& from) {
    s.sum = Plus(s.sum, from.sum);
    s.count += from.count;
  }
  static bool Result(const State& s, FieldValue* value) {
    if (s.count == 0) return false;
    *value = FieldValue::Float(static_cast<double>(s.sum) / static_cast<double>(s.count));
    return true;
  }
};

template <typename T>
struct SpreadKernel {
  using Value = T;
  struct State {
    T min{};
    T max{};
    bool seen = false;
  };
  static void One(State& s, T v) {
    s.min = s.seen ? std::min(s.min, v) : v;
    s.max = s.seen ? std::max(s.max, v) : v;
    s.seen = true;
  }
  static void Run(State& s, const T* values, uint32_t begin, uint32_t end) {
    T min = values[begin];
    T max = values[begin];
    for (uint32_t i = begin + 1; i < end; ++i) {
      min = std::min(min, values[i]);
      max = std::max(max, values[i]);
    }
    One(s, min);
    One(s, max);
  }
  static void Statistics(State& s, const FieldStatistics& f) {
    One(s, GetValue<T>(f.min));
    One(s, GetValue<T>(f.max));
  }
  static void Merge(State& s, const State& from) {
    if (!from.seen) return;
    One(s, from.min);
    One(s, from.max);
  }
  static bool Result(const State& s, FieldValue* value) {
    if constexpr (std::is_same_v<T, double>) {
      *value = MakeValue(s.max - s.min);
    } else {
      *value =
          MakeValue(static_cast<T>(static_cast<uint64_t>(s.max) - static_cast<uint64_t>(s.min)));
    }
    return s.seen;
  }
};

// Count, mean and sum of squared distances, combined as in Chan, Golub, LeVeque, "Updating
// Formulae", 1979: as exact as two passes over everything.
template <typename T>
struct StddevKernel {
  using Value = T;
  struct State {
    double count = 0;
    double mean = 0;
    double squares = 0;
  };
  static void Merge(State& s, const State& from) {
    if (from.count == 0) return;
    const double count = s.count + from.count;
    const double delta = from.mean - s.mean;
    s.squares += from.squares + delta * delta * (s.count * from.count / count);
    s.mean += delta * (from.count / count);
    s.count = count;
  }
  static void One(State& s, T v) { Merge(s, State{1, static_cast<double>(v), 0}); }
  static void Run(State& s, const T* values, uint32_t begin, uint32_t end) {
    State run;
    run.count = end - begin;
    double sum = 0;
    for (uint32_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]);
    run.mean = sum / run.count;
    for (uint32_t i = begin; i < end; ++i) {
      const double distance = static_cast<double>(values[i]) - run.mean;
      run.squares += distance * distance;
    }
    Merge(s, run);
  }
  static void Statistics(State&, const FieldStatistics&) {}
  static bool Result(const State& s, FieldValue* value) {
    // One value has no deviation; the point is there nevertheless, and fill() leaves it alone.
    *value = FieldValue::Float(s.count > 1 ? std::sqrt(s.squares / (s.count - 1))
                                           : std::numeric_limits<double>::quiet_NaN());
    return s.count > 0;
  }
};

template <typename T>
using Sum = KernelAggregator<SumKernel<T>>;
template <typename T>
using Mean = KernelAggregator<MeanKernel<T>>;
template <typename T>
using Spread = KernelAggregator<SpreadKernel<T>>;
template <typename T>
using Stddev = KernelAggregator<StddevKernel<T>>;

std::unique_ptr<Aggregator> MakeCount(FieldType, const AggregateOptions&) {
  return std::make_unique<CountAggregator>();
}
template <template <typename> class Made>
std::unique_ptr<Aggregator> Make(FieldType type, const AggregateOptions&) {
  return MakeForNumbers<Made>(type);
}

constexpr Function kFunctions[] = {
    {.name = "count",
     .usage = "count(field)",
     .about = "how many values there are; count(distinct(field)): how many different ones",
     .first = FirstArgument::kFieldOrDistinct,
     .takes = kAllTypes,
     .gives = ResultType::kInteger,
     .gaps = Gaps::kZero,
     .merge = Merge::kAnyOrder,
     .statistics = Statistics::kCount,
     .fixed_size = true,
     .make = MakeCount,
     .of_distinct = &kCountDistinct},
    {.name = "mean",
     .usage = "mean(field)",
     .about = "the arithmetic mean",
     .gives = ResultType::kFloat,
     .merge = Merge::kAnyOrder,
     .statistics = Statistics::kOfNumbers,
     .fixed_size = true,
     .make = Make<Mean>},
    {.name = "spread",
     .usage = "spread(field)",
     .about = "the greatest value less the smallest",
     .merge = Merge::kAnyOrder,
     .statistics = Statistics::kOfNumbers,
     .fixed_size = true,
     .make = Make<Spread>},
    {.name = "stddev",
     .usage = "stddev(field)",
     .about = "the standard deviation of a sample; of one value null, which fill() leaves alone",
     .gives = ResultType::kFloat,
     .merge = Merge::kInOrder,
     .fixed_size = true,
     .make = Make<Stddev>},
    {.name = "sum",
     .usage = "sum(field)",
     .about = "the sum; integers wrap around",
     .merge = Merge::kAnyOrder,
     .statistics = Statistics::kOfNumbers,
     .fixed_size = true,
     .make = Make<Sum>},
};

}  // namespace

std::span<const Function> MomentFunctions() { return kFunctions; }

}  // namespace varve::query
