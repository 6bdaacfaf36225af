#include "query/functions/aggregate.h"

#include <array>

#include "base/check.h"

namespace varve::query {

void Aggregator::UpdateFromStatistics(uint32_t, const model::FieldStatistics&) {
  CHECK(false) << "this aggregate needs rows";
}

const AggregateFunction* FindAggregate(std::string_view name) {
  static constexpr std::array<AggregateFunction, 17> kTable = {{
      {"bottom", false, true, MakeBottom},
      {"count", true, false, MakeCount},
      {"count_distinct", false, false, MakeCountDistinct},
      {"distinct", false, false, MakeDistinct},
      {"first", true, false, MakeFirst},
      {"last", true, false, MakeLast},
      {"max", true, false, MakeMax},
      {"mean", true, false, MakeMean},
      {"median", false, false, MakeMedian},
      {"min", true, false, MakeMin},
      {"mode", false, false, MakeMode},
      {"percentile", false, false, MakePercentile},
      {"sample", false, true, MakeSample},
      {"spread", true, false, MakeSpread},
      {"stddev", false, false, MakeStddev},
      {"sum", true, false, MakeSum},
      {"top", false, true, MakeTop},
  }};
  for (const AggregateFunction& function : kTable) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace varve::query
