#include "index/series_marks.h"

namespace varve::index {
namespace {

// Adds the ids of the indexes for which `has` holds, run by run.
template <typename Has>
void AddIds(const SeriesSegment& segment, const Has& has, SeriesSet* out) {
  const uint32_t count = segment.series_count();
  for (uint32_t at = 0; at < count;) {
    if (!has(at)) {
      ++at;
      continue;
    }
    const model::SeriesId first = segment.IdAt(at);
    model::SeriesId end = first + 1;
    for (++at; at < count && has(at) && segment.IdAt(at) == end; ++at) ++end;
    out->AddRange(first, end);
  }
}

}  // namespace

uint64_t SegmentPart::memory_bytes() const {
  return segment->memory_bytes() + (dead == nullptr ? 0 : dead->memory_bytes()) +
         (watched == nullptr ? 0 : watched->memory_bytes());
}

void SegmentPart::AddDead(SeriesSet* out) const {
  if (dead == nullptr) return;
  AddIds(
      *segment, [&](uint32_t index) { return dead->Has(index); }, out);
}

void SegmentPart::AddLive(SeriesSet* out) const {
  AddIds(
      *segment, [&](uint32_t index) { return IsLive(index); }, out);
}

void SegmentPart::AddWatched(SeriesSet* out) const {
  if (watched == nullptr) return;
  AddIds(
      *segment, [&](uint32_t index) { return watched->Has(index); }, out);
}

}  // namespace varve::index
