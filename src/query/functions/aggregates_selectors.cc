// min, max, first, last: one chosen row per window, with the columns that come along.
#include <algorithm>

#include "query/functions/aggregate_inline.h"
#include "query/functions/function.h"

namespace varve::query {
namespace {

using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;

// Which of two points is chosen, and where in a run to look. `Better(a, b)`: a replaces b.
template <typename T>
struct MinRule {
  static bool Better(T value, int64_t time, T best, int64_t best_time) {
    return value < best || (value == best && time < best_time);
  }
  static constexpr bool kFirstRow = false;
  static constexpr bool kLastRow = false;
  static bool Beats(T a, T b) { return a < b; }
  static std::pair<FieldValue, int64_t> Of(const FieldStatistics& f) { return {f.min, f.min_time}; }
};
template <typename T>
struct MaxRule {
  static bool Better(T value, int64_t time, T best, int64_t best_time) {
    return value > best || (value == best && time < best_time);
  }
  static constexpr bool kFirstRow = false;
  static constexpr bool kLastRow = false;
  static bool Beats(T a, T b) { return a > b; }
  static std::pair<FieldValue, int64_t> Of(const FieldStatistics& f) { return {f.max, f.max_time}; }
};
template <typename T>
struct FirstRule {
  // Of two series at one time the greater value; false before true.
  static bool Better(T value, int64_t time, T best, int64_t best_time) {
    if (time != best_time) return time < best_time;
    return std::is_same_v<T, uint8_t> ? value < best : value > best;
  }
  static constexpr bool kFirstRow = true;
  static constexpr bool kLastRow = false;
  static bool Beats(T, T) { return false; }
  static std::pair<FieldValue, int64_t> Of(const FieldStatistics& f) {
    return {f.first, f.first_time};
  }
};
template <typename T>
struct LastRule {
  static bool Better(T value, int64_t time, T best, int64_t best_time) {
    return time > best_time || (time == best_time && value > best);
  }
  static constexpr bool kFirstRow = false;
  static constexpr bool kLastRow = true;
  static bool Beats(T, T) { return false; }
  static std::pair<FieldValue, int64_t> Of(const FieldStatistics& f) {
    return {f.last, f.last_time};
  }
};

// The row of [begin, end) the rule chooses within one series, or -1.
template <typename T, typename Rule>
int64_t ChooseRow(const model::ColumnVector& column, uint32_t begin, uint32_t end) {
  if constexpr (Rule::kFirstRow) {
    for (uint32_t i = begin; i < end; ++i) {
      if (column.IsValid(i)) return i;
    }
    return -1;
  } else if constexpr (Rule::kLastRow) {
    for (uint32_t i = end; i > begin; --i) {
      if (column.IsValid(i - 1)) return i - 1;
    }
    return -1;
  } else {
    const T* values = ValuesOf<T>(column);
    if constexpr (std::is_arithmetic_v<T>) {
      constexpr uint32_t kFew = 16;
      if (column.validity == nullptr && end - begin <= kFew) {
        uint32_t chosen = begin;
        for (uint32_t i = begin + 1; i < end; ++i) {
          if (Rule::Beats(values[i], values[chosen])) chosen = i;
        }
        return chosen;
      }
      if (column.validity == nullptr) {
        // The value first, in a loop without branches; then the earliest row that holds it.
        T best = values[begin];
        for (uint32_t i = begin + 1; i < end; ++i)
          best = Rule::Beats(values[i], best) ? values[i] : best;
        for (uint32_t i = begin; i < end; ++i) {
          if (values[i] == best) return i;
        }
        return begin;
      }
    }
    int64_t chosen = -1;
    ForEachValid(column, begin, end, [&](uint32_t i) {
      if (chosen < 0 || Rule::Beats(values[i], values[chosen])) chosen = i;
    });
    return chosen;
  }
}

template <typename T, typename Rule>
class SelectorAggregator final : public Aggregator {
 public:
  explicit SelectorAggregator(const AggregateOptions& options)
      : aux_width_(options.aux_width), shows_row_(options.shows_row) {}

  void Resize(size_t slots) override {
    if (slots <= states_.size()) return;
    states_.resize(slots);
    aux_.resize(slots * aux_width_);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    if (input.column.type == FieldType::kNone) return;
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      const int64_t row = ChooseRow<T, Rule>(input.column, run.begin, run.end);
      if (row < 0 || !Take(run.slot, values[row], input.times[row])) continue;
      for (size_t i = 0; i < aux_width_; ++i) {
        aux_[run.slot * aux_width_ + i] = texts_.Keep(input.aux[i].At(static_cast<size_t>(row)));
      }
    }
  }
  void UpdateFromStatistics(uint32_t slot, const FieldStatistics& statistics) override {
    if (statistics.count == 0) return;
    const auto [value, time] = Rule::Of(statistics);
    Take(slot, GetValue<T>(value), time);
  }
  bool MayTake(uint32_t slot, const FieldStatistics& statistics) const override {
    if (statistics.count == 0) return false;
    if constexpr (Rule::kFirstRow || Rule::kLastRow) {
      return true;
    } else {
      const FieldValue best = Rule::Of(statistics).first;
      if (best.is_null() || slot >= states_.size() || !states_[slot].seen) return true;
      const T value = GetValue<T>(best);
      // Of equal ones it counts which is older, where that shows.
      return Rule::Beats(value, states_[slot].value) ||
             (shows_row_ && value == states_[slot].value);
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const SelectorAggregator&>(other);
    for (size_t i = 0; i < from.states_.size(); ++i) {
      const State& state = from.states_[i];
      const size_t slot = slot_of[i];
      if (!state.seen || !Take(slot, state.value, state.time)) continue;
      for (size_t a = 0; a < aux_width_; ++a) {
        aux_[slot * aux_width_ + a] = texts_.Keep(from.aux_[i * aux_width_ + a]);
      }
    }
  }
  void Emit(uint32_t slot, int64_t, Points* out) const override {
    const State& state = states_[slot];
    if (!state.seen) return;
    out->Append(state.time, MakeValue(state.value), {aux_.data() + slot * aux_width_, aux_width_});
  }
  size_t bytes() const override {
    return states_.capacity() * sizeof(State) + aux_.capacity() * sizeof(FieldValue) +
           texts_.bytes();
  }

 private:
  struct State {
    T value{};
    int64_t time = 0;
    bool seen = false;
  };

  // True when the point was better than what the slot held.
  bool Take(size_t slot, T value, int64_t time) {
    State& state = states_[slot];
    if (state.seen && !Rule::Better(value, time, state.value, state.time)) return false;
    if constexpr (std::is_same_v<T, std::string_view>) value = texts_.Copy(value);
    state = {value, time, true};
    return true;
  }

  size_t aux_width_;
  bool shows_row_;
  std::vector<State> states_;
  std::vector<FieldValue> aux_;
  TextArena texts_;
};

template <typename T>
using Min = SelectorAggregator<T, MinRule<T>>;
template <typename T>
using Max = SelectorAggregator<T, MaxRule<T>>;
template <typename T>
using First = SelectorAggregator<T, FirstRule<T>>;
template <typename T>
using Last = SelectorAggregator<T, LastRule<T>>;

template <template <typename> class Made>
std::unique_ptr<Aggregator> MakeOfAll(FieldType type, const AggregateOptions& options) {
  return MakeForAll<Made>(type, options);
}
template <template <typename> class Made>
std::unique_ptr<Aggregator> MakeOfOrdered(FieldType type, const AggregateOptions& options) {
  return type == FieldType::kString ? nullptr : MakeForAll<Made>(type, options);
}

constexpr Function Choice(std::string_view name, std::string_view usage, std::string_view about,
                          TypeSet takes, AggregateMaker* make, bool at_extreme = false) {
  return {.name = name,
          .usage = usage,
          .about = about,
          .kind = FunctionKind::kSelector,
          .takes = takes,
          .merge = Merge::kAnyOrder,
          .statistics = Statistics::kOfNumbers,
          .at_extreme = at_extreme,
          .fixed_size = true,
          .make = make};
}

constexpr Function kFunctions[] = {
    Choice("first", "first(field)", "the oldest value; of several series at once the greatest",
           kAllTypes, MakeOfAll<First>),
    Choice("last", "last(field)", "the newest value; of several series at once the greatest",
           kAllTypes, MakeOfAll<Last>),
    Choice("max", "max(field)", "the greatest value, the oldest of equal ones", kNumbersAndBooleans,
           MakeOfOrdered<Max>, /*at_extreme=*/true),
    Choice("min", "min(field)", "the smallest value, the oldest of equal ones", kNumbersAndBooleans,
           MakeOfOrdered<Min>, /*at_extreme=*/true),
};

}  // namespace

std::span<const Function> ChoiceFunctions() { return kFunctions; }

}  // namespace varve::query
