#include "engine/shard_view.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/series_scanner.h"

namespace varve::engine {

ShardView::ShardView(std::shared_ptr<const index::SeriesTable> table,
                     std::unique_ptr<const index::SeriesTable::KeyReader> keys,
                     std::vector<ShardSnapshot> shards, std::shared_ptr<DamageList> damage)
    : table_(std::move(table)),
      keys_(std::move(keys)),
      shards_(std::move(shards)),
      damage_(std::move(damage)) {
  std::sort(shards_.begin(), shards_.end(), [](const ShardSnapshot& a, const ShardSnapshot& b) {
    return a.shard.range.min_ns < b.shard.range.min_ns;
  });
}

model::MeasurementId ShardView::Find(std::string_view measurement) const {
  return shards_.empty() ? model::kNoId : table_->FindMeasurement(measurement);
}

std::vector<std::string> ShardView::Measurements() const {
  std::set<model::MeasurementId> ids;
  for (const auto& shard : shards_) {
    for (model::MeasurementId id : shard.index->Measurements()) ids.insert(id);
  }
  std::vector<std::string> names;
  for (model::MeasurementId id : ids) names.push_back(table_->MeasurementName(id));
  std::sort(names.begin(), names.end());
  return names;
}

bool ShardView::HasMeasurement(std::string_view measurement) const {
  const model::MeasurementId id = Find(measurement);
  return id != model::kNoId && std::any_of(shards_.begin(), shards_.end(), [id](const auto& shard) {
           return shard.index->HasMeasurement(id);
         });
}

std::vector<FieldTypes> ShardView::Fields(std::string_view measurement) const {
  const model::MeasurementId id = Find(measurement);
  std::vector<FieldTypes> result;
  if (id == model::kNoId) return result;
  std::map<std::string, FieldTypes> fields;
  for (const auto& shard : shards_) {
    if (!shard.index->HasMeasurement(id)) continue;
    for (auto& info : shard.index->Fields(id)) {
      FieldTypes& field = fields[info.name];
      field.field = info.field;
      const auto at = std::lower_bound(field.types.begin(), field.types.end(), info.type);
      if (at == field.types.end() || *at != info.type) field.types.insert(at, info.type);
    }
  }
  for (auto& [name, field] : fields) {
    field.name = name;
    result.push_back(std::move(field));
  }
  return result;
}

std::vector<std::string> ShardView::TagKeys(std::string_view measurement) const {
  const model::MeasurementId id = Find(measurement);
  std::set<std::string> keys;
  if (id != model::kNoId) {
    for (const auto& shard : shards_) {
      for (auto& key : shard.index->TagKeys(id)) keys.insert(std::move(key));
    }
  }
  return {keys.begin(), keys.end()};
}

void ShardView::VisitTagValues(
    std::string_view measurement, std::string_view tag_key,
    const std::function<bool(std::string_view value, const index::SeriesSet& series)>& visit)
    const {
  const model::MeasurementId id = Find(measurement);
  if (id == model::kNoId) return;
  std::vector<std::unique_ptr<index::TagValueCursor>> cursors;  // each on a value
  for (const auto& shard : shards_) {
    auto cursor = shard.index->NewTagValueCursor(id, tag_key);
    if (cursor->Next()) cursors.push_back(std::move(cursor));
  }
  // Views have few shards, so looking at each beats keeping them in order.
  while (!cursors.empty()) {
    std::string_view least = cursors.front()->value();
    for (const auto& cursor : cursors) least = std::min(least, cursor->value());
    const std::string value(least);
    index::SeriesSet series;
    for (const auto& cursor : cursors) {
      if (cursor->value() == value) series |= cursor->series();
    }
    if (!visit(value, series)) return;
    std::erase_if(cursors,
                  [&](const auto& cursor) { return cursor->value() == value && !cursor->Next(); });
  }
}

std::vector<std::pair<std::string, index::SeriesSet>> ShardView::TagValues(
    std::string_view measurement, std::string_view tag_key) const {
  std::vector<std::pair<std::string, index::SeriesSet>> values;
  VisitTagValues(measurement, tag_key, [&](std::string_view value, const auto& series) {
    values.emplace_back(value, series);
    return true;
  });
  return values;
}

index::SeriesSet ShardView::Match(std::string_view measurement,
                                  const index::TagPredicate& predicate) const {
  const model::MeasurementId id = Find(measurement);
  index::SeriesSet result;
  if (id == model::kNoId) return result;
  for (const auto& shard : shards_) result |= shard.index->Match(id, predicate);
  return result;
}

void ShardView::KeyOf(model::SeriesId series, std::string* key) const { keys_->KeyOf(series, key); }

std::unique_ptr<Scanner> ShardView::NewScanner(const ScanOptions& options) const {
  return std::make_unique<SeriesScanner>(shared_from_this(), shards_, options, *damage_);
}

model::TimeRange ShardView::shards_range() const {
  if (shards_.empty()) return {.min_ns = 0, .max_ns = -1};
  model::TimeRange range = shards_.front().shard.range;
  for (const auto& shard : shards_) {
    range.max_ns = std::max(range.max_ns, shard.shard.range.max_ns);
  }
  return range;
}

}  // namespace varve::engine
