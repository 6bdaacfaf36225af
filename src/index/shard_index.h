// The inverted index of one shard: which of the database's series it holds, by measurement and tag.
//
// For each (measurement, tag key) a sorted dictionary of tag values, each with a Roaring bitmap of
// series ids; for each measurement its series and its fields with their types. New entries live in
// memory; immutable, checksummed segments hold the rest. Derived from the shard's data and the
// series table, but kept, so that opening scans neither. Bytes: docs/format.md, "Shard index".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "index/predicate.h"
#include "index/series_set.h"
#include "index/series_table.h"
#include "model/types.h"

namespace varve::index {

struct FieldInfo {
  model::FieldId field = model::kNoId;
  std::string name;
  model::FieldType type = model::FieldType::kNone;
};

// Walks the values of a tag that living series have, ascending. One thread at a time; must not
// outlive its view.
class TagValueCursor {
 public:
  virtual ~TagValueCursor() = default;
  // Moves to the next value (the first, when new); false at the end.
  virtual bool Next() = 0;
  // Valid until Next().
  virtual std::string_view value() const = 0;
  virtual const SeriesSet& series() const = 0;
};

// What one query sees. Immutable; any thread. Names are unescaped.
class ShardIndexView {
 public:
  virtual ~ShardIndexView() = default;
  virtual std::vector<model::MeasurementId> Measurements()
      const = 0;  // that have series; any order
  virtual bool HasMeasurement(model::MeasurementId measurement) const = 0;
  virtual std::vector<FieldInfo> Fields(model::MeasurementId measurement) const = 0;     // by name
  virtual std::vector<std::string> TagKeys(model::MeasurementId measurement) const = 0;  // by name
  // Ascending values of a tag, with the series of each.
  virtual std::vector<std::pair<std::string, SeriesSet>> TagValues(
      model::MeasurementId measurement, std::string_view tag_key) const = 0;
  virtual std::unique_ptr<TagValueCursor> NewTagValueCursor(model::MeasurementId measurement,
                                                            std::string_view tag_key) const = 0;
  virtual SeriesSet Series(model::MeasurementId measurement) const = 0;
  // The series of the measurement for which `predicate` holds.
  virtual SeriesSet Match(model::MeasurementId measurement,
                          const TagPredicate& predicate) const = 0;
  virtual SeriesSet AllSeries() const = 0;
};

class ShardIndex {
 public:
  // Opens the index in `folder`, creating it. `table` and `env` must outlive it.
  static absl::StatusOr<std::unique_ptr<ShardIndex>> Open(base::Env& env, std::string folder,
                                                          const SeriesTable& table);
  virtual ~ShardIndex() = default;

  // --- Any thread.

  // Reserves the type of a field before a batch is logged. Returns the type the field has in this
  // shard: `type` when it was free or equal, the other one on a conflict.
  virtual model::FieldType ReserveField(model::FieldId field, model::FieldType type) = 0;
  // The view of now; a snapshot. Cheap: parts are shared, and the set of living series is copied
  // at most once for each time that it changes between views. A method of the view that reads the
  // newest series makes the applying thread wait, for some milliseconds at most.
  virtual std::shared_ptr<const ShardIndexView> View() const = 0;
  virtual bool Contains(model::SeriesId series) const = 0;
  virtual uint64_t series_count() const = 0;
  virtual uint64_t memory_bytes() const = 0;
  virtual uint64_t disk_bytes() const = 0;

  // --- One thread at a time (the one that applies log records). Each is idempotent, and passes
  // over series that the table has forgotten: only what was removed, or is about to be, names
  // those.

  virtual void AddSeries(std::span<const model::SeriesId> series) = 0;
  void AddSeries(model::SeriesId series) { AddSeries({&series, 1}); }
  // A field becomes visible with the type it has in the record, the last record winning.
  virtual void AddField(model::FieldId field, model::FieldType type) = 0;
  // Series whose data was deleted. When `drop_fields` (DROP MEASUREMENT, DROP SERIES), a
  // measurement of any of these series that is left without series is gone with its fields' types,
  // reserved ones too. So a batch that reserved a type before the drop and is applied after it must
  // not be on its way: the caller holds writers of the measurement back from the reservation to the
  // log.
  virtual void RemoveSeries(const SeriesSet& series, bool drop_fields) = 0;

  // --- One thread at a time (the flusher); may run beside the applying thread.

  // Makes all that was applied before the call durable.
  virtual absl::Status Flush() = 0;
};

}  // namespace varve::index
