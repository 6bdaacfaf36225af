#include "query/functions/aggregate.h"

#include "base/check.h"

namespace varve::query {

void Aggregator::UpdateFromStatistics(uint32_t, const model::FieldStatistics&) {
  CHECK(false) << "this aggregate needs rows";
}

}  // namespace varve::query
