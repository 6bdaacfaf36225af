// top, bottom, sample: up to n rows of a window.
#include <algorithm>
#include <map>
#include <random>
#include <span>

#include "base/status.h"
#include "base/strings.h"
#include "query/functions/aggregate_inline.h"
#include "query/functions/function.h"
#include "query/go_heap.h"
#include "query/go_sort.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

template <typename T>
struct Entry {
  T value{};
  int64_t time = 0;
  std::vector<FieldValue> aux;
};

template <typename T>
void EmitByTime(std::vector<Entry<T>> entries, Points* out) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  for (const auto& entry : entries) out->Append(entry.time, MakeValue(entry.value), entry.aux);
}

// Keeps the n best points of each slot; with by_width, of the best point of each combination of
// the first aux columns.
template <typename T, bool kTop>
class RankedAggregator final : public Aggregator {
 public:
  explicit RankedAggregator(const AggregateOptions& options) : options_(options) {}

  void Resize(size_t slots) override {
    if (slots > slots_.size()) slots_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      ForEachValid(input.column, run.begin, run.end, [&](uint32_t i) {
        Offer(run.slot, values[i], input.times[i], [&](size_t a) { return input.aux[a].At(i); });
      });
    }
  }
  bool MayTake(uint32_t slot, const model::FieldStatistics& statistics) const override {
    if (statistics.count == 0) return false;
    if (options_.by_width > 0 || statistics.max.is_null()) return true;
    if (slot >= slots_.size() || slots_[slot].best.size() < Limit()) return true;
    const T worst = slots_[slot].best.front().value;
    return kTop ? !(GetValue<T>(statistics.max) < worst) : !(GetValue<T>(statistics.min) > worst);
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const RankedAggregator&>(other);
    for (size_t i = 0; i < from.slots_.size(); ++i) {
      const auto offer = [&](const Entry<T>& entry) {
        Offer(slot_of[i], entry.value, entry.time, [&](size_t a) { return entry.aux[a]; });
      };
      slots_[slot_of[i]].tied |= from.slots_[i].tied;
      for (const auto& entry : from.slots_[i].best) offer(entry);
      for (const auto& [key, entry] : from.slots_[i].by) offer(entry);
    }
  }
  void Emit(uint32_t slot, int64_t, Points* out) const override {
    std::vector<Entry<T>> entries = slots_[slot].best;
    if (options_.by_width == 0) {
      GoSort(std::span(entries), Better);
      const auto same = std::adjacent_find(entries.begin(), entries.end(), Equal);
      if (slots_[slot].tied || (options_.aux_width > 0 && same != entries.end())) {
        out->tied = !options_.in_order;
      }
      return EmitByTime(std::move(entries), out);
    }
    // Of equal points the one with the lesser tags goes first.
    std::map<std::string_view, const Entry<T>*> by_tags;
    for (const auto& [key, entry] : slots_[slot].by) by_tags.emplace(key, &entry);
    for (const auto& [key, entry] : by_tags) entries.push_back(*entry);
    std::stable_sort(entries.begin(), entries.end(), Better);
    if (entries.size() > Limit()) entries.resize(Limit());
    EmitByTime(std::move(entries), out);
  }
  size_t bytes() const override { return texts_.bytes() + bytes_; }

 private:
  struct Slot {
    std::vector<Entry<T>> best;    // a heap, its worst in front
    bool tied = false;             // which of equal points was kept hung on their order
    base::StringMap<Entry<T>> by;  // with by_width
  };

  static bool IsBetter(T value, int64_t time, T other, int64_t other_time) {
    if (value != other) return kTop ? value > other : value < other;
    return time < other_time;
  }
  static bool Better(const Entry<T>& a, const Entry<T>& b) {
    return IsBetter(a.value, a.time, b.value, b.time);
  }
  static bool Worse(const Entry<T>& a, const Entry<T>& b) { return Better(b, a); }
  static bool Equal(const Entry<T>& a, const Entry<T>& b) {
    return a.value == b.value && a.time == b.time;
  }
  size_t Limit() const { return static_cast<size_t>(options_.n); }

  template <typename GetAux>
  void Offer(size_t slot_index, T value, int64_t time, GetAux get_aux) {
    Slot& slot = slots_[slot_index];
    Entry<T> entry{value, time, {}};
    if (options_.by_width > 0) {
      key_.clear();
      for (size_t i = 0; i < options_.by_width; ++i) {
        const FieldValue part = get_aux(i);
        if (part.type() == FieldType::kString) key_.append(part.as_string());
        key_.push_back('\0');
      }
      auto [at, added] = slot.by.try_emplace(key_);
      if (!added && !Better(entry, at->second)) return;
      Fill(&entry, get_aux);
      at->second = std::move(entry);
      return;
    }
    if (slot.best.size() < Limit()) {
      Fill(&entry, get_aux);
      return PushHeap(slot.best, std::move(entry), Worse);
    }
    // Points that show nothing but value and time are the same.
    if (options_.aux_width > 0 && Equal(entry, slot.best.front())) slot.tied = true;
    if (!Better(entry, slot.best.front())) return;
    Fill(&entry, get_aux);
    slot.best.front() = std::move(entry);
    SiftDown(slot.best, 0, slot.best.size(), Worse);
  }
  template <typename GetAux>
  void Fill(Entry<T>* entry, GetAux get_aux) {
    for (size_t i = 0; i < options_.aux_width; ++i) entry->aux.push_back(texts_.Keep(get_aux(i)));
    bytes_ += sizeof(Entry<T>) + options_.aux_width * sizeof(FieldValue);
  }

  AggregateOptions options_;
  std::vector<Slot> slots_;
  std::string key_;
  TextArena texts_;
  size_t bytes_ = 0;
};

// A uniform sample of n points of each slot (reservoir sampling, Vitter's algorithm R). Parts are
// merged by drawing from either with the odds of what each has seen.
template <typename T>
class SampleAggregator final : public Aggregator {
 public:
  explicit SampleAggregator(const AggregateOptions& options) : options_(options) {}

  void Resize(size_t slots) override {
    if (slots > slots_.size()) slots_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      Slot& slot = slots_[run.slot];
      ForEachValid(input.column, run.begin, run.end, [&](uint32_t i) {
        const size_t place = slot.seen < Limit() ? slot.seen : Draw(slot.seen + 1);
        ++slot.seen;
        if (place >= Limit()) return;
        if (place == slot.kept.size()) slot.kept.emplace_back();
        T value = values[i];
        if constexpr (std::is_same_v<T, std::string_view>) value = texts_.Copy(value);
        Entry<T>& entry = slot.kept[place];
        entry = {value, input.times[i], {}};
        for (const auto& column : input.aux) entry.aux.push_back(texts_.Keep(column.At(i)));
      });
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const SampleAggregator&>(other);
    for (size_t i = 0; i < from.slots_.size(); ++i) MergeSlot(from.slots_[i], &slots_[slot_of[i]]);
  }
  void Emit(uint32_t slot, int64_t, Points* out) const override {
    EmitByTime(slots_[slot].kept, out);
  }

 private:
  struct Slot {
    std::vector<Entry<T>> kept;
    size_t seen = 0;
  };
  size_t Limit() const { return static_cast<size_t>(options_.n); }
  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  void MergeSlot(const Slot& from, Slot* to) {
    std::vector<Entry<T>> a = std::move(to->kept);
    std::vector<Entry<T>> b = from.kept;
    size_t weight_a = to->seen;
    size_t weight_b = from.seen;
    to->kept.clear();
    while (to->kept.size() < Limit() && (!a.empty() || !b.empty())) {
      const bool take_a = b.empty() || (!a.empty() && Draw(weight_a + weight_b) < weight_a);
      auto& source = take_a ? a : b;
      std::swap(source[Draw(source.size())], source.back());
      Entry<T> entry = std::move(source.back());
      source.pop_back();
      size_t& weight = take_a ? weight_a : weight_b;
      if (weight > 1) --weight;
      if constexpr (std::is_same_v<T, std::string_view>) entry.value = texts_.Copy(entry.value);
      for (FieldValue& aux : entry.aux) aux = texts_.Keep(aux);
      to->kept.push_back(std::move(entry));
    }
    to->seen += from.seen;
  }

  AggregateOptions options_;
  std::vector<Slot> slots_;
  std::mt19937_64 random_{std::random_device{}()};
  TextArena texts_;
};

template <typename T>
using Top = RankedAggregator<T, true>;
template <typename T>
using Bottom = RankedAggregator<T, false>;

template <template <typename> class Made>
std::unique_ptr<Aggregator> MakeRanked(FieldType type, const AggregateOptions& options) {
  return MakeForNumbers<Made>(type, options);
}
std::unique_ptr<Aggregator> MakeSample(FieldType type, const AggregateOptions& options) {
  return MakeForAll<SampleAggregator>(type, options);
}

absl::Status CheckRanked(const Call& call, const ArgumentContext& context) {
  const auto* limit = call.args.back()->As<IntegerLiteral>();
  if (limit == nullptr) {
    return base::InvalidArgument("expected integer as last argument in ", call.name, "(), found ",
                                 Format(*call.args.back()));
  }
  if (limit->value <= 0) {
    return base::InvalidArgument("limit (", limit->value, ") in ", call.name,
                                 " function must be at least 1");
  }
  if (context.limit > 0 && limit->value > context.limit) {
    return base::InvalidArgument("limit (", limit->value, ") in ", call.name,
                                 " function can not be larger than the LIMIT (", context.limit,
                                 ") in the select statement");
  }
  if (!call.args[0]->As<VarRef>()) {
    return base::InvalidArgument("expected first argument to be a field in ", call.name,
                                 "(), found ", Format(*call.args[0]));
  }
  return absl::OkStatus();
}

absl::Status CheckSample(const Call& call, const ArgumentContext&) {
  const auto* size = call.args[1]->As<IntegerLiteral>();
  if (size == nullptr) return base::InvalidArgument("expected integer argument in sample()");
  if (size->value <= 0) {
    return base::InvalidArgument("sample window must be greater than 1, got ", size->value);
  }
  return absl::OkStatus();
}

constexpr Function Ranked(std::string_view name, std::string_view usage, std::string_view about,
                          AggregateMaker* make) {
  return {.name = name,
          .usage = usage,
          .about = about,
          .kind = FunctionKind::kSelector,
          .first = FirstArgument::kRanked,
          .min_arguments = 2,
          .max_arguments = kAnyArguments,
          .check = CheckRanked,
          .gaps = Gaps::kNone,
          .merge = Merge::kInOrder,
          .keeps_time = true,
          .make = make};
}

constexpr Function kFunctions[] = {
    Ranked("bottom", "bottom(field [, field or tag ...], n)",
           "the n smallest points; with fields or tags, of the smallest of each of their values",
           MakeRanked<Bottom>),
    {.name = "sample",
     .usage = "sample(field, n)",
     .about = "n points at random",
     .kind = FunctionKind::kSelector,
     .min_arguments = 2,
     .max_arguments = 2,
     .check = CheckSample,
     .takes = kAllTypes,
     .gaps = Gaps::kNone,
     .merge = Merge::kInOrder,
     .keeps_time = true,
     .make = MakeSample},
    Ranked("top", "top(field [, field or tag ...], n)",
           "the n greatest points; with fields or tags, of the greatest of each of their values",
           MakeRanked<Top>),
};

}  // namespace

std::span<const Function> RankedFunctions() { return kFunctions; }

}  // namespace varve::query
