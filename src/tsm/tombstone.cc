#include "tsm/tombstone.h"

#include <algorithm>

namespace varve::tsm {

bool Tombstone::Covers(model::SeriesId id) const {
  return series != nullptr && std::binary_search(series->begin(), series->end(), id);
}

void DeletedRanges(std::span<const Tombstone> tombstones, model::SeriesId series, uint64_t sequence,
                   std::vector<model::TimeRange>* result) {
  result->clear();
  for (const Tombstone& tombstone : tombstones) {
    if (tombstone.sequence < sequence || tombstone.range.empty() || !tombstone.Covers(series)) {
      continue;
    }
    result->push_back(tombstone.range);
  }
  if (result->size() < 2) return;
  std::sort(result->begin(), result->end(), [](const auto& a, const auto& b) {
    return a.min_ns != b.min_ns ? a.min_ns < b.min_ns : a.max_ns < b.max_ns;
  });
  size_t last = 0;
  for (size_t i = 1; i < result->size(); ++i) {
    model::TimeRange& kept = (*result)[last];
    const model::TimeRange& next = (*result)[i];
    // Ranges that touch are joined too; a range that ends at the end of time swallows the rest.
    if (next.min_ns <= kept.max_ns || next.min_ns - 1 == kept.max_ns) {
      kept.max_ns = std::max(kept.max_ns, next.max_ns);
    } else {
      (*result)[++last] = next;
    }
  }
  result->resize(last + 1);
}

}  // namespace varve::tsm
