// What the families of aggregates share: typed access to vectors, and a class around a kernel.
#pragma once

#include <bit>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "query/functions/aggregate.h"

namespace varve::query {

template <typename T>
const T* ValuesOf(const model::ColumnVector& column) {
  return static_cast<const T*>(column.data);
}

template <typename T>
model::FieldValue MakeValue(T v) {
  if constexpr (std::is_same_v<T, double>) return model::FieldValue::Float(v);
  if constexpr (std::is_same_v<T, int64_t>) return model::FieldValue::Integer(v);
  if constexpr (std::is_same_v<T, uint64_t>) return model::FieldValue::Unsigned(v);
  if constexpr (std::is_same_v<T, uint8_t>) return model::FieldValue::Boolean(v != 0);
  if constexpr (std::is_same_v<T, std::string_view>) return model::FieldValue::String(v);
}
template <typename T>
T GetValue(const model::FieldValue& v) {
  if constexpr (std::is_same_v<T, double>) return v.as_float();
  if constexpr (std::is_same_v<T, int64_t>) return v.as_integer();
  if constexpr (std::is_same_v<T, uint64_t>) return v.as_unsigned();
  if constexpr (std::is_same_v<T, uint8_t>) return v.as_boolean() ? 1 : 0;
  if constexpr (std::is_same_v<T, std::string_view>) return v.as_string();
}

// Calls f(row) for each row of [begin, end) that has a value, a word of validity at a time.
template <typename F>
void ForEachValid(const model::ColumnVector& column, uint32_t begin, uint32_t end, F&& f) {
  if (column.type == model::FieldType::kNone) return;
  if (column.validity == nullptr) {
    for (uint32_t i = begin; i < end; ++i) f(i);
    return;
  }
  for (uint32_t i = begin; i < end;) {
    uint64_t word = column.validity[i / 64] >> (i % 64);
    const uint32_t limit = std::min<uint32_t>(end - i, 64 - i % 64);
    if (limit < 64) word &= (uint64_t{1} << limit) - 1;
    for (; word != 0; word &= word - 1) f(i + static_cast<uint32_t>(std::countr_zero(word)));
    i += limit;
  }
}

// An aggregator whose state per slot is Kernel::State and which needs no texts.
//   static void Run(State&, const Value* values, uint32_t begin, uint32_t end)   no nulls
//   static void One(State&, Value)
//   static void Statistics(State&, const FieldStatistics&)
//   static void Merge(State&, const State&)
//   static bool Result(const State&, FieldValue*)   false: no value was seen
template <typename Kernel>
class KernelAggregator final : public Aggregator {
 public:
  using Value = typename Kernel::Value;

  void Resize(size_t slots) override {
    if (slots > states_.size()) states_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    if (input.column.type == model::FieldType::kNone) return;
    const auto* values = ValuesOf<Value>(input.column);
    for (const Run& run : runs) {
      auto& state = states_[run.slot];
      if (input.column.validity == nullptr) {
        Kernel::Run(state, values, run.begin, run.end);
      } else {
        ForEachValid(input.column, run.begin, run.end,
                     [&](uint32_t i) { Kernel::One(state, values[i]); });
      }
    }
  }
  void UpdateFromStatistics(uint32_t slot, const model::FieldStatistics& statistics) override {
    if (statistics.count > 0) Kernel::Statistics(states_[slot], statistics);
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const KernelAggregator&>(other).states_;
    for (size_t i = 0; i < from.size(); ++i) Kernel::Merge(states_[slot_of[i]], from[i]);
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    model::FieldValue value;
    if (Kernel::Result(states_[slot], &value)) out->Append(start_ns, value);
  }
  size_t bytes() const override { return states_.capacity() * sizeof(typename Kernel::State); }

 private:
  std::vector<typename Kernel::State> states_;
};

// make<T>() for the C++ type of a field type; null for those F does not take.
template <template <typename> class Made, typename... Args>
std::unique_ptr<Aggregator> MakeForNumbers(model::FieldType type, const Args&... args) {
  switch (type) {
    case model::FieldType::kFloat:
      return std::make_unique<Made<double>>(args...);
    case model::FieldType::kInteger:
      return std::make_unique<Made<int64_t>>(args...);
    case model::FieldType::kUnsigned:
      return std::make_unique<Made<uint64_t>>(args...);
    default:
      return nullptr;
  }
}
template <template <typename> class Made, typename... Args>
std::unique_ptr<Aggregator> MakeForAll(model::FieldType type, const Args&... args) {
  switch (type) {
    case model::FieldType::kBoolean:
      return std::make_unique<Made<uint8_t>>(args...);
    case model::FieldType::kString:
      return std::make_unique<Made<std::string_view>>(args...);
    default:
      return MakeForNumbers<Made>(type, args...);
  }
}

}  // namespace varve::query
