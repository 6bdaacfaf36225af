// What a series table consists of at one moment, and look-ups over it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/series_delta.h"
#include "index/series_marks.h"
#include "index/series_table.h"
#include "model/types.h"

namespace varve::index {

// Ids ascend through: segments, then frozen deltas (those that a flush is writing, or failed to),
// then the delta that takes registrations. Only series in segments are forgotten, and what is
// written anew leaves them out, so a key is live in one place at most, and no part has it twice.
struct SeriesParts {
  std::vector<SegmentPart> segments;
  std::vector<std::shared_ptr<const SeriesDelta>> frozen;
  std::shared_ptr<SeriesDelta> delta;
  // Whether series that were found before may have been forgotten since, or are watched.
  bool may_forget = false;

  // Finds a living series, which is then watched no more.
  bool Find(std::string_view key, uint64_t hash, std::string* scratch, SeriesRef* ref) const;
  // Loads what Find() of each of the keys will need, which overlaps; best with some 16 keys.
  void Prefetch(std::span<const uint64_t> hashes) const;
  // Whether an id that was given out lives; it is then watched no more.
  bool Take(model::SeriesId series) const;
  bool IsLive(model::SeriesId series) const;

  // Of a series that is not in `delta`; kNoId, and an empty key, when it does not live.
  model::MeasurementId OldKeyOf(model::SeriesId series, std::string* key) const;
  model::MeasurementId OldMeasurementOf(model::SeriesId series) const;

  // The first id that is in no segment.
  model::SeriesId segments_end() const {
    return frozen.empty() ? delta->first() : frozen.front()->first();
  }
  // The part of a series below segments_end(), and its index there; null when none has it.
  const SegmentPart* PartOf(model::SeriesId series, uint32_t* index) const;
  SegmentPart* PartOf(model::SeriesId series, uint32_t* index);
  const SeriesDelta* FrozenOf(model::SeriesId series) const;

  uint64_t live_count() const;
};

}  // namespace varve::index
