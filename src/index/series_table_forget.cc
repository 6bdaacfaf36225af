// The series table forgets: what is watched, and what is dead.

#include <algorithm>
#include <memory>
#include <vector>

#include "index/series_table_impl.h"

namespace varve::index {

using model::SeriesId;

SeriesTable::Flushed SeriesTableImpl::FlushedSeries() const {
  SeriesParts parts;
  {
    absl::ReaderMutexLock lock(&mu_);
    parts = parts_;
  }
  Flushed flushed{.end = parts.segments_end()};
  for (const SegmentPart& part : parts.segments) part.AddLive(&flushed.series);
  return flushed;
}

void SeriesTableImpl::Watch(const SeriesSet& series) {
  SeriesParts parts;
  {
    absl::ReaderMutexLock lock(&mu_);
    parts = parts_;
  }
  for (SegmentPart& part : parts.segments) part.watched.reset();
  for (const SeriesId id : series.ToVector()) {
    uint32_t index;
    SegmentPart* part = id < parts.segments_end() ? parts.PartOf(id, &index) : nullptr;
    if (part == nullptr || !part->IsLive(index)) continue;
    if (part->watched == nullptr) part->watched = std::make_shared<WatchedSeries>(*part->segment);
    part->watched->Add(index);
  }
  // A flush may have written some segments anew meanwhile: what those have is not watched.
  absl::MutexLock lock(&mu_);
  parts_.may_forget = parts_.may_forget || !series.empty();
  for (SegmentPart& part : parts_.segments) {
    const auto made =
        std::find_if(parts.segments.begin(), parts.segments.end(),
                     [&](const SegmentPart& other) { return other.segment == part.segment; });
    part.watched = made == parts.segments.end() ? nullptr : made->watched;
  }
}

SeriesSet SeriesTableImpl::Watched() const {
  SeriesParts parts;
  {
    absl::ReaderMutexLock lock(&mu_);
    parts = parts_;
  }
  SeriesSet watched;
  for (const SegmentPart& part : parts.segments) part.AddWatched(&watched);
  return watched;
}

uint64_t SeriesTableImpl::Forget(const SeriesSet& series) {
  const std::vector<SeriesId> ids = series.ToVector();
  absl::MutexLock lock(&mu_);
  SeriesSet forgotten;
  for (const SeriesId id : ids) {
    uint32_t index;
    const SegmentPart* part = id < parts_.segments_end() ? parts_.PartOf(id, &index) : nullptr;
    if (part == nullptr || part->watched == nullptr || !part->watched->Has(index)) continue;
    part->watched->Remove(index);
    forgotten.Add(id);
  }
  MarkDead(forgotten);
  return forgotten.Count();
}

void SeriesTableImpl::MarkDead(const SeriesSet& series) {
  if (series.empty()) return;
  SegmentPart* open = nullptr;  // whose marks are being made
  std::shared_ptr<DeadSeries> dead;
  for (const SeriesId id : series.ToVector()) {
    uint32_t index;
    SegmentPart* part = parts_.PartOf(id, &index);
    if (part != open) {
      if (open != nullptr) open->dead = std::move(dead);
      open = part;
      dead = std::make_shared<DeadSeries>(*part->segment, part->dead.get());
    }
    dead->Add(index);
  }
  open->dead = std::move(dead);
  parts_.may_forget = true;
  ++dead_version_;
}

}  // namespace varve::index
