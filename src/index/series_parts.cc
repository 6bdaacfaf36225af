#include "index/series_parts.h"

#include <algorithm>
#include <utility>

namespace varve::index {

using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

bool SeriesParts::Find(std::string_view key, uint64_t hash, std::string* scratch,
                       SeriesRef* ref) const {
  if (delta->Find(key, hash, ref)) return true;
  for (const auto& part : frozen) {
    if (part->Find(key, hash, ref)) return true;
  }
  // The first is the largest by far.
  uint32_t index;
  for (const SegmentPart& part : segments) {
    if (part.segment->Find(key, hash, scratch, ref, &index) && part.Take(index)) return true;
  }
  return false;
}

void SeriesParts::Prefetch(std::span<const uint64_t> hashes) const {
  for (int stage = 0; stage < SeriesSegment::kPrefetchStages; ++stage) {
    for (const uint64_t hash : hashes) {
      delta->Prefetch(hash, stage);
      for (const auto& part : frozen) part->Prefetch(hash, stage);
      for (const SegmentPart& part : segments) part.segment->Prefetch(hash, stage);
    }
  }
}

const SegmentPart* SeriesParts::PartOf(SeriesId series, uint32_t* index) const {
  const auto after = std::upper_bound(
      segments.begin(), segments.end(), series,
      [](SeriesId id, const SegmentPart& part) { return id < part.segment->first_series(); });
  if (after == segments.begin()) return nullptr;
  const SegmentPart& part = *std::prev(after);
  return part.segment->IndexOf(series, index) ? &part : nullptr;
}

SegmentPart* SeriesParts::PartOf(SeriesId series, uint32_t* index) {
  return const_cast<SegmentPart*>(std::as_const(*this).PartOf(series, index));
}

const SeriesDelta* SeriesParts::FrozenOf(SeriesId series) const {
  if (frozen.empty() || series < frozen.front()->first()) return nullptr;
  for (const auto& part : frozen) {
    if (series < part->end()) return part.get();
  }
  return nullptr;
}

bool SeriesParts::Take(SeriesId series) const {
  if (series >= segments_end()) return true;
  uint32_t index;
  const SegmentPart* part = PartOf(series, &index);
  return part != nullptr && part->Take(index);
}

bool SeriesParts::IsLive(SeriesId series) const {
  if (series >= segments_end()) return true;
  uint32_t index;
  const SegmentPart* part = PartOf(series, &index);
  return part != nullptr && part->IsLive(index);
}

MeasurementId SeriesParts::OldKeyOf(SeriesId series, std::string* key) const {
  if (const SeriesDelta* part = FrozenOf(series)) {
    key->assign(part->KeyOf(series));
    return part->MeasurementOf(series);
  }
  uint32_t index;
  const SegmentPart* part = PartOf(series, &index);
  if (part != nullptr && part->IsLive(index)) return part->segment->KeyOf(series, key);
  key->clear();
  return kNoId;
}

MeasurementId SeriesParts::OldMeasurementOf(SeriesId series) const {
  if (const SeriesDelta* part = FrozenOf(series)) return part->MeasurementOf(series);
  uint32_t index;
  const SegmentPart* part = PartOf(series, &index);
  return part != nullptr && part->IsLive(index) ? part->segment->MeasurementOf(series) : kNoId;
}

uint64_t SeriesParts::live_count() const {
  uint64_t count = delta->end() - delta->first();
  for (const auto& part : frozen) count += part->end() - part->first();
  for (const SegmentPart& part : segments) count += part.live_count();
  return count;
}

}  // namespace varve::index
