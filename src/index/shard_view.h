// What one query sees of a shard's index. See shard_index.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "index/index_part.h"
#include "index/shard_index.h"

namespace varve::index {

using FieldsByMeasurement = absl::flat_hash_map<model::MeasurementId, std::vector<FieldInfo>>;

// A fixed list of parts and the set of series that lived when the view was taken. All parts but the
// last never change; the last may gain series, which `alive` keeps out.
class ShardView : public ShardIndexView {
 public:
  struct Contents {
    std::vector<std::shared_ptr<const IndexPart>> parts;
    SeriesSet alive;
    // Every series the parts name, now and later, is alive.
    bool all_alive = false;
    std::shared_ptr<const FieldsByMeasurement> fields;
  };
  explicit ShardView(Contents contents) : contents_(std::move(contents)) {}

  std::vector<model::MeasurementId> Measurements() const override;
  bool HasMeasurement(model::MeasurementId measurement) const override;
  std::vector<FieldInfo> Fields(model::MeasurementId measurement) const override;
  std::vector<std::string> TagKeys(model::MeasurementId measurement) const override;
  std::vector<std::pair<std::string, SeriesSet>> TagValues(model::MeasurementId measurement,
                                                           std::string_view tag_key) const override;
  std::unique_ptr<TagValueCursor> NewTagValueCursor(model::MeasurementId measurement,
                                                    std::string_view tag_key) const override;
  SeriesSet Series(model::MeasurementId measurement) const override;
  SeriesSet Match(model::MeasurementId measurement, const TagPredicate& predicate) const override;
  SeriesSet AllSeries() const override { return contents_.alive; }

 private:
  class LiveValueCursor;
  SeriesSet Live(SeriesSet set) const;
  SeriesSet HasTag(model::MeasurementId measurement, std::string_view tag_key) const;
  MergedCursor Values(model::MeasurementId measurement, std::string_view tag_key) const;
  // The series that have the tag with a value that (does not) match.
  SeriesSet ScanValues(model::MeasurementId measurement, std::string_view tag_key,
                       const TagRegex& regex, bool matching) const;
  SeriesSet Equal(model::MeasurementId measurement, const std::string& tag_key,
                  const std::string& value, const SeriesSet& all) const;
  SeriesSet OneOf(model::MeasurementId measurement, const std::string& tag_key,
                  const std::vector<std::string>& values, const SeriesSet& all) const;
  SeriesSet Matching(model::MeasurementId measurement, const TagPredicate& predicate,
                     const SeriesSet& all) const;
  // A subset of `all`, which are the measurement's series.
  SeriesSet Evaluate(model::MeasurementId measurement, const TagPredicate& predicate,
                     const SeriesSet& all) const;

  const Contents contents_;
};

}  // namespace varve::index
