// A ReadView over snapshots of shards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/damage_list.h"
#include "engine/parts.h"
#include "engine/read_view.h"
#include "index/series_table.h"

namespace varve::engine {

// Immutable. Keeps the series table, the keys as they were, and through the snapshots every file
// and cache, alive.
class ShardView : public ReadView, public std::enable_shared_from_this<ShardView> {
 public:
  // `shards` in any order. `table` and `keys`, which knows their series, may be null when there are
  // none. `damage` is told what scanners meet.
  ShardView(std::shared_ptr<const index::SeriesTable> table,
            std::unique_ptr<const index::SeriesTable::KeyReader> keys,
            std::vector<ShardSnapshot> shards, std::shared_ptr<DamageList> damage);

  std::vector<std::string> Measurements() const override;
  bool HasMeasurement(std::string_view measurement) const override;
  std::vector<FieldTypes> Fields(std::string_view measurement) const override;
  std::vector<std::string> TagKeys(std::string_view measurement) const override;
  std::vector<std::pair<std::string, index::SeriesSet>> TagValues(
      std::string_view measurement, std::string_view tag_key) const override;
  void VisitTagValues(
      std::string_view measurement, std::string_view tag_key,
      const std::function<bool(std::string_view value, const index::SeriesSet& series)>& visit)
      const override;
  index::SeriesSet Match(std::string_view measurement,
                         const index::TagPredicate& predicate) const override;
  void KeyOf(model::SeriesId series, std::string* key) const override;
  std::unique_ptr<Scanner> NewScanner(const ScanOptions& options) const override;
  absl::StatusOr<ReadCost> Cost(std::span<const model::SeriesId> series,
                                std::span<const model::FieldId> fields,
                                const model::TimeRange& range) const override;
  model::TimeRange shards_range() const override;
  size_t shard_count() const override { return shards_.size(); }

 private:
  model::MeasurementId Find(std::string_view measurement) const;  // or kNoId

  const std::shared_ptr<const index::SeriesTable> table_;
  const std::unique_ptr<const index::SeriesTable::KeyReader> keys_;
  std::vector<ShardSnapshot> shards_;  // ascending by time
  const std::shared_ptr<DamageList> damage_;
};

}  // namespace varve::engine
