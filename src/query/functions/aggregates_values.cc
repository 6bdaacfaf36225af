// median, mode, percentile, distinct: functions that look at every value of a window.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "base/strings.h"
#include "query/functions/aggregate_inline.h"
#include "query/functions/function.h"
#include "query/functions/value_of_rank.h"
#include "query/go_sort.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

template <typename T>
struct Item {
  T value;
  int64_t time;
  uint32_t aux;  // index of the row's aux columns
};
template <typename T>
bool ByValue(const Item<T>& a, const Item<T>& b) {
  return a.value != b.value ? a.value < b.value : a.time < b.time;
}
template <typename T>
bool LessByValue(const Item<T>& a, const Item<T>& b) {
  return a.value < b.value;
}

// Keeps every value of every slot; Finish turns those of one slot into points, and says whether
// they are what they would be in any order of the values.
template <typename T, typename Finish>
class CollectingAggregator final : public Aggregator {
 public:
  explicit CollectingAggregator(const AggregateOptions& options) : options_(options) {}

  void Resize(size_t slots) override {
    if (slots > slots_.size()) slots_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      auto& items = slots_[run.slot];
      ForEachValid(input.column, run.begin, run.end, [&](uint32_t i) {
        T value = values[i];
        if constexpr (std::is_same_v<T, std::string_view>) value = texts_.Copy(value);
        items.push_back({value, input.times[i], next_aux_});
        AddAux(input.aux, i);
        ++count_;
      });
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const CollectingAggregator&>(other);
    for (size_t i = 0; i < from.slots_.size(); ++i) {
      auto& items = slots_[slot_of[i]];
      for (Item<T> item : from.slots_[i]) {
        const size_t aux = item.aux * options_.aux_width;
        if constexpr (std::is_same_v<T, std::string_view>) item.value = texts_.Copy(item.value);
        item.aux = next_aux_;
        items.push_back(item);
        if (options_.aux_width == 0) continue;
        for (size_t a = 0; a < options_.aux_width; ++a) {
          aux_.push_back(texts_.Keep(from.aux_[aux + a]));
        }
        ++next_aux_;
      }
    }
    count_ += from.count_;
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    if (slots_[slot].empty()) return;
    std::vector<Item<T>> items = slots_[slot];
    const size_t before = out->size();
    const bool settled = Finish::Points(
        items, options_, start_ns, [&](int64_t time, const FieldValue& value, size_t aux) {
          out->Append(time, value, {aux_.data() + aux * options_.aux_width, options_.aux_width});
        });
    if (!settled) out->tied = true;
    if (out->size() == before) out->pauses.push_back(before);
  }
  size_t bytes() const override {
    return count_ * sizeof(Item<T>) + aux_.capacity() * sizeof(FieldValue) + texts_.bytes();
  }

 private:
  void AddAux(std::span<const model::ColumnVector> columns, uint32_t row) {
    if (options_.aux_width == 0) return;
    for (const model::ColumnVector& column : columns) aux_.push_back(texts_.Keep(column.At(row)));
    ++next_aux_;
  }

  AggregateOptions options_;
  std::vector<std::vector<Item<T>>> slots_;
  std::vector<FieldValue> aux_;
  uint32_t next_aux_ = 0;
  size_t count_ = 0;
  TextArena texts_;
};

// Likewise where nothing but the values counts, in any order: keeps these only.
template <typename T, typename Finish>
class ValuesAggregator final : public Aggregator {
 public:
  explicit ValuesAggregator(const AggregateOptions& options) : options_(options) {}

  void Resize(size_t slots) override { values_.Resize(slots); }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    if (input.column.type == FieldType::kNone) return;
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      if (input.column.validity == nullptr) {
        values_.Append(run.slot, {values + run.begin, values + run.end});
      } else {
        valid_.clear();
        ForEachValid(input.column, run.begin, run.end,
                     [&](uint32_t i) { valid_.push_back(values[i]); });
        values_.Append(run.slot, valid_);
      }
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    values_.TakeOver(static_cast<ValuesAggregator&>(other).values_, slot_of);
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    if (values_.size(slot) == 0) return;
    FieldValue value;
    const auto of_rank = [&](size_t rank) { return finder_.Find(values_, slot, rank); };
    if (Finish::Result(values_.size(slot), options_, of_rank, &value)) {
      out->Append(start_ns, value);
    } else {
      out->pauses.push_back(out->size());
    }
  }
  size_t bytes() const override { return values_.bytes(); }

 private:
  const AggregateOptions options_;
  KeptValues<T> values_;
  std::vector<T> valid_;          // scratch of Update()
  mutable RankFinder<T> finder_;  // scratch of Emit()
};

// The rank among n values, from 0 on, of the one that percentile() gives; false: none does.
bool PercentileRank(size_t n, double percentile, size_t* rank) {
  const double at = std::floor(static_cast<double>(n) * percentile / 100.0 + 0.5) - 1;
  if (!(at >= 0 && at < static_cast<double>(n))) return false;
  *rank = static_cast<size_t>(at);
  return true;
}

struct PercentileOfValues {
  // of_rank(rank): the value of that rank among the n.
  template <typename OfRank>
  static bool Result(size_t n, const AggregateOptions& options, OfRank of_rank, FieldValue* value) {
    size_t rank;
    if (!PercentileRank(n, options.percentile, &rank)) return false;
    *value = MakeValue(of_rank(rank));
    return true;
  }
};

struct MedianOfValues {
  template <typename OfRank>
  static bool Result(size_t n, const AggregateOptions&, OfRank of_rank, FieldValue* value) {
    const size_t middle = n / 2;
    const auto high = of_rank(middle);
    if (n % 2 == 1) {
      *value = FieldValue::Float(static_cast<double>(high));
      return true;
    }
    const auto low = of_rank(middle - 1);
    *value = FieldValue::Float(static_cast<double>(low) + static_cast<double>(high - low) / 2);
    return true;
  }
};

struct PercentileFinish {
  template <typename T, typename Add>
  static bool Points(std::vector<Item<T>>& items, const AggregateOptions& options, int64_t,
                     Add add) {
    size_t rank;
    if (!PercentileRank(items.size(), options.percentile, &rank)) return true;
    const auto at = items.begin() + static_cast<ptrdiff_t>(rank);
    if (options.in_order) {
      GoSort(std::span(items), LessByValue<T>);
    } else {
      std::nth_element(items.begin(), at, items.end(), ByValue<T>);
    }
    add(at->time, MakeValue(at->value), at->aux);
    // Of equal values the time shows, and what comes along.
    return options.in_order || !options.shows_row ||
           std::count_if(items.begin(), items.end(),
                         [&](const Item<T>& item) { return item.value == at->value; }) == 1;
  }
};

// The most frequent value. Of equally frequent ones InfluxDB gives the one whose first point after
// sorting is not later than the last point of the one before: the sort is not stable, so that hangs
// on the order of the points. A value that appears once counts only when it is the smallest.
struct ModeFinish {
  template <typename T, typename Add>
  static bool Points(std::vector<Item<T>>& items, const AggregateOptions& options, int64_t start,
                     Add add) {
    if constexpr (std::is_same_v<T, uint8_t>) {
      // Among booleans, true wins.
      const auto holds = [](const Item<T>& item) { return item.value != 0; };
      const auto count = std::count_if(items.begin(), items.end(), holds);
      add(start, FieldValue::Boolean(2 * static_cast<size_t>(count) >= items.size()), 0);
      return true;
    }
    if (options.in_order) {
      GoSort(std::span(items), LessByValue<T>);
    } else {
      std::sort(items.begin(), items.end(), ByValue<T>);
    }
    const Item<T>* best = &items[0];
    int64_t best_time = items[0].time;
    size_t best_count = 0;
    bool tied = false;
    for (size_t i = 0; i < items.size();) {
      size_t end = i;
      while (end < items.size() && items[end].value == items[i].value) ++end;
      tied = end - i == best_count || (tied && end - i < best_count);
      // The time of the occurrence that made the count what it is is what later values must beat.
      for (size_t at = i == 0 ? 0 : i + 1; at < end; ++at) {
        const size_t count = at - i + 1;
        if (best_count > count || (best_count == count && items[i].time > best_time)) continue;
        best_count = count;
        best = &items[at];
        best_time = items[at].time;
      }
      i = end;
    }
    add(start, MakeValue(best->value), 0);
    return options.in_order || !tied || best_count < 2;
  }
};

// The distinct values of each slot with the time each was first seen.
template <typename T>
class DistinctAggregator final : public Aggregator {
 public:
  DistinctAggregator(bool count_only, const AggregateOptions& options)
      : count_only_(count_only), in_order_(options.in_order) {}

  void Resize(size_t slots) override {
    if (slots > slots_.size()) slots_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      ForEachValid(input.column, run.begin, run.end,
                   [&](uint32_t i) { Add(run.slot, values[i], input.times[i]); });
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const DistinctAggregator&>(other);
    for (size_t i = 0; i < from.slots_.size(); ++i) {
      for (const auto& [value, time] : from.slots_[i]) Add(slot_of[i], ValueOf(value), time);
    }
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    const auto& seen = slots_[slot];
    if (seen.empty()) return;
    if (count_only_) {
      out->Append(start_ns, FieldValue::Integer(static_cast<int64_t>(seen.size())));
      return;
    }
    std::vector<std::pair<int64_t, T>> sorted;
    for (const auto& [value, time] : seen) sorted.emplace_back(time, ValueOf(value));
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [time, value] : sorted) out->Append(start_ns, MakeValue(value));
  }
  size_t bytes() const override { return count_ * (sizeof(T) + 16) + texts_.bytes(); }

 private:
  static constexpr bool kText = std::is_same_v<T, std::string_view>;
  using Key = std::conditional_t<kText, absl::string_view, T>;

  static T ValueOf(const Key& key) {
    if constexpr (kText) return base::FromAbsl(key);
    if constexpr (!kText) return key;
  }
  void Add(size_t slot, T value, int64_t time) {
    Key key;
    if constexpr (kText) key = base::ToAbsl(value);
    if constexpr (!kText) key = value;
    auto& seen = slots_[slot];
    const auto at = seen.find(key);
    if (at != seen.end()) {
      // What came first counts, which need not be the earliest.
      if (!in_order_) at->second = std::min(at->second, time);
      return;
    }
    if constexpr (kText) key = base::ToAbsl(texts_.Copy(value));
    seen.emplace(key, time);
    ++count_;
  }

  bool count_only_;
  bool in_order_;
  std::vector<absl::flat_hash_map<Key, int64_t>> slots_;
  size_t count_ = 0;
  TextArena texts_;
};

template <typename T>
using Median = ValuesAggregator<T, MedianOfValues>;
template <typename T>
using Mode = CollectingAggregator<T, ModeFinish>;
template <typename T>
using Percentile = CollectingAggregator<T, PercentileFinish>;
template <typename T>
using PercentileOnly = ValuesAggregator<T, PercentileOfValues>;

template <template <typename> class Made>
std::unique_ptr<Aggregator> MakeOfNumbers(FieldType type, const AggregateOptions& options) {
  return MakeForNumbers<Made>(type, options);
}
template <template <typename> class Made>
std::unique_ptr<Aggregator> MakeOfAll(FieldType type, const AggregateOptions& options) {
  return MakeForAll<Made>(type, options);
}
std::unique_ptr<Aggregator> MakePercentile(FieldType type, const AggregateOptions& options) {
  if (options.shows_row || options.in_order) return MakeForNumbers<Percentile>(type, options);
  return MakeForNumbers<PercentileOnly>(type, options);
}
template <bool kCountOnly>
std::unique_ptr<Aggregator> MakeDistinct(FieldType type, const AggregateOptions& options) {
  return MakeForAll<DistinctAggregator>(type, kCountOnly, options);
}

absl::Status CheckDistinct(const Call& call, const ArgumentContext&) {
  if (call.args.empty()) {
    return base::InvalidArgument("distinct function requires at least one argument");
  }
  if (call.args.size() != 1) {
    return base::InvalidArgument("distinct function can only have one argument");
  }
  return absl::OkStatus();
}

absl::Status CheckPercentile(const Call& call, const ArgumentContext&) {
  if (call.args[1]->As<IntegerLiteral>() || call.args[1]->As<NumberLiteral>()) {
    return absl::OkStatus();
  }
  return base::InvalidArgument("expected float argument in percentile()");
}

constexpr Function kFunctions[] = {
    {.name = kDistinctName,
     .usage = "distinct(field)",
     .about = "the different values, in the order in which they appeared",
     .first = FirstArgument::kName,
     .min_arguments = 0,
     .max_arguments = kAnyArguments,
     .check = CheckDistinct,
     .takes = kAllTypes,
     .gaps = Gaps::kNone,
     .merge = Merge::kInOrder,
     .make = MakeDistinct<false>},
    {.name = "median",
     .usage = "median(field)",
     .about = "the middle value; of an even number the mean of the two in the middle",
     .gives = ResultType::kFloat,
     .merge = Merge::kAnyOrder,
     .make = MakeOfNumbers<Median>},
    {.name = "mode",
     .usage = "mode(field)",
     .about = "the most frequent value",
     .takes = kAllTypes,
     .merge = Merge::kInOrder,
     .make = MakeOfAll<Mode>},
    {.name = "percentile",
     .usage = "percentile(field, n)",
     .about = "the value that n per cent of the values do not exceed (nearest rank)",
     .kind = FunctionKind::kSelector,
     .min_arguments = 2,
     .max_arguments = 2,
     .check = CheckPercentile,
     .merge = Merge::kInOrder,
     .values_only = true,
     .make = MakePercentile},
};

}  // namespace

constinit const Function kCountDistinct = {.name = "count",
                                           .usage = "count(distinct(field))",
                                           .first = FirstArgument::kFieldOrDistinct,
                                           .takes = kAllTypes,
                                           .gives = ResultType::kInteger,
                                           .gaps = Gaps::kZero,
                                           .merge = Merge::kInOrder,
                                           .make = MakeDistinct<true>};

std::span<const Function> CollectingFunctions() { return kFunctions; }

}  // namespace varve::query
