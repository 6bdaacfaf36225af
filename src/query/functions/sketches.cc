// sum_hll, merge_hll, count_hll: how many different values there were, by HyperLogLog.
//
// Source: InfluxDB 1.8.5 "query/functions.go" (pull request 20603): numbers are hashed as eight
// bytes, most significant first, booleans as one, texts as they are.
#include <bit>

#include "base/status.h"
#include "query/functions/aggregate_inline.h"
#include "query/functions/function.h"
#include "query/functions/hyperloglog.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// InfluxDB gives an error in the place of a sketch.
constexpr std::string_view kNoSketch = "HLLERROR Bad prefix for hll.Plus";

std::string_view BigEndian(uint64_t v, char (&bytes)[8]) {
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(v >> (56 - 8 * i));
  return {bytes, 8};
}

template <typename T>
struct AddRule {
  static bool Add(T value, HyperLogLog* sketch) {
    char bytes[8];
    if constexpr (std::is_same_v<T, std::string_view>) {
      sketch->Add(value);
    } else if constexpr (std::is_same_v<T, uint8_t>) {
      bytes[0] = value != 0 ? 1 : 0;
      sketch->Add({bytes, 1});
    } else {
      sketch->Add(BigEndian(std::bit_cast<uint64_t>(value), bytes));
    }
    return true;
  }
};
template <typename T>
struct MergeRule {
  static bool Add(std::string_view value, HyperLogLog* sketch) {
    const auto other = HyperLogLog::FromText(value);
    if (other.has_value()) sketch->Merge(*other);
    return other.has_value();
  }
};

template <typename T, typename Rule>
class SketchAggregator final : public Aggregator {
 public:
  void Resize(size_t slots) override {
    if (slots > slots_.size()) slots_.resize(slots);
  }
  void Update(const AggregateInput& input, std::span<const Run> runs) override {
    const T* values = ValuesOf<T>(input.column);
    for (const Run& run : runs) {
      Slot& slot = slots_[run.slot];
      ForEachValid(input.column, run.begin, run.end, [&](uint32_t i) {
        slot.seen = true;
        slot.failed = !Rule::Add(values[i], &slot.sketch) || slot.failed;
      });
    }
  }
  void Merge(Aggregator& other, std::span<const uint32_t> slot_of) override {
    const auto& from = static_cast<const SketchAggregator&>(other).slots_;
    for (size_t i = 0; i < from.size(); ++i) {
      Slot& slot = slots_[slot_of[i]];
      if (!from[i].seen) continue;
      slot.seen = true;
      slot.failed = slot.failed || from[i].failed;
      slot.sketch.Merge(from[i].sketch);
    }
  }
  void Emit(uint32_t slot, int64_t start_ns, Points* out) const override {
    const Slot& from = slots_[slot];
    if (!from.seen) return;
    HyperLogLog sketch = from.sketch;
    const std::string_view text = from.failed ? kNoSketch : texts_.Copy(sketch.ToText());
    out->Append(start_ns, FieldValue::String(text));
  }
  size_t bytes() const override {
    size_t bytes = texts_.bytes();
    for (const Slot& slot : slots_) bytes += sizeof(Slot) + slot.sketch.bytes();
    return bytes;
  }

 private:
  struct Slot {
    HyperLogLog sketch;
    bool seen = false;
    bool failed = false;
  };
  std::vector<Slot> slots_;
  mutable TextArena texts_;  // what Emit() gave out
};

template <typename T>
using SumHll = SketchAggregator<T, AddRule<T>>;

std::unique_ptr<Aggregator> MakeSumHll(FieldType type, const AggregateOptions&) {
  return MakeForAll<SumHll>(type);
}
std::unique_ptr<Aggregator> MakeMergeHll(FieldType type, const AggregateOptions&) {
  if (type != FieldType::kString) return nullptr;
  return std::make_unique<SketchAggregator<std::string_view, MergeRule<std::string_view>>>();
}

Points CountHll(const TransformContext&, const Points& input) {
  Points out;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input.values[i].is_null()) continue;
    const auto sketch = HyperLogLog::FromText(input.values[i].as_string());
    out.Append(input.times[i], FieldValue::Unsigned(sketch.has_value() ? sketch->Count() : 0));
  }
  return out;
}

constexpr Function kFunctions[] = {
    {.name = "count_hll",
     .usage = "count_hll(sum_hll(field))",
     .about = "how many different values a sketch has seen; of a field: of each of its sketches",
     .kind = FunctionKind::kTransformation,
     .first = FirstArgument::kFieldOrCall,
     .takes = {FieldType::kString},
     .gives = ResultType::kUnsigned,
     .transform = CountHll,
     .title = "count_hll"},
    {.name = "merge_hll",
     .usage = "merge_hll(field)",
     .about = "the sketch of all that the sketches of the field have seen",
     .takes = {FieldType::kString},
     .gives = ResultType::kString,
     .merge = Merge::kInOrder,
     .make = MakeMergeHll},
    {.name = "sum_hll",
     .usage = "sum_hll(field)",
     .about = "a HyperLogLog sketch of the values, as text",
     .takes = kAllTypes,
     .gives = ResultType::kString,
     .merge = Merge::kInOrder,
     .make = MakeSumHll},
};

}  // namespace

std::span<const Function> SketchFunctions() { return kFunctions; }

}  // namespace varve::query
