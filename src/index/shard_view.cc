#include "index/shard_view.h"

#include <algorithm>

namespace varve::index {

using model::MeasurementId;

SeriesSet ShardView::Live(SeriesSet set) const {
  if (!contents_.all_alive) set &= contents_.alive;
  return set;
}

SeriesSet ShardView::Series(MeasurementId measurement) const {
  SeriesSetBuilder builder;
  for (const auto& part : contents_.parts) part->AddSeriesOf(measurement, &builder);
  return Live(builder.Finish());
}

bool ShardView::HasMeasurement(MeasurementId measurement) const {
  return !Series(measurement).empty();
}

std::vector<MeasurementId> ShardView::Measurements() const {
  std::vector<MeasurementId> all;
  for (const auto& part : contents_.parts) part->AddMeasurements(&all);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (!contents_.all_alive) {
    std::erase_if(all, [&](MeasurementId measurement) { return !HasMeasurement(measurement); });
  }
  return all;
}

std::vector<FieldInfo> ShardView::Fields(MeasurementId measurement) const {
  const auto at = contents_.fields->find(measurement);
  return at == contents_.fields->end() ? std::vector<FieldInfo>() : at->second;
}

SeriesSet ShardView::HasTag(MeasurementId measurement, std::string_view tag_key) const {
  SeriesSetBuilder builder;
  for (const auto& part : contents_.parts) part->AddHasTag(measurement, tag_key, &builder);
  return Live(builder.Finish());
}

std::vector<std::string> ShardView::TagKeys(MeasurementId measurement) const {
  std::vector<std::string> keys;
  for (const auto& part : contents_.parts) part->AddTagKeys(measurement, &keys);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (!contents_.all_alive) {
    std::erase_if(keys, [&](const std::string& key) { return HasTag(measurement, key).empty(); });
  }
  return keys;
}

MergedCursor ShardView::Values(MeasurementId measurement, std::string_view tag_key) const {
  std::vector<std::unique_ptr<ValueCursor>> cursors;
  for (const auto& part : contents_.parts) {
    if (auto cursor = part->NewCursor(measurement, tag_key)) cursors.push_back(std::move(cursor));
  }
  return MergedCursor(std::move(cursors));
}

class ShardView::LiveValueCursor final : public TagValueCursor {
 public:
  LiveValueCursor(const ShardView& view, MergedCursor cursor)
      : view_(view), cursor_(std::move(cursor)) {}
  bool Next() override {
    while (cursor_.Next()) {
      series_ = view_.Live(cursor_.Series());
      if (!series_.empty()) return true;
    }
    return false;
  }
  std::string_view value() const override { return cursor_.value(); }
  const SeriesSet& series() const override { return series_; }

 private:
  const ShardView& view_;
  MergedCursor cursor_;
  SeriesSet series_;
};

std::unique_ptr<TagValueCursor> ShardView::NewTagValueCursor(MeasurementId measurement,
                                                             std::string_view tag_key) const {
  return std::make_unique<LiveValueCursor>(*this, Values(measurement, tag_key));
}

std::vector<std::pair<std::string, SeriesSet>> ShardView::TagValues(
    MeasurementId measurement, std::string_view tag_key) const {
  std::vector<std::pair<std::string, SeriesSet>> values;
  LiveValueCursor cursor(*this, Values(measurement, tag_key));
  while (cursor.Next()) values.emplace_back(cursor.value(), cursor.series());
  return values;
}

SeriesSet ShardView::ScanValues(MeasurementId measurement, std::string_view tag_key,
                                const TagRegex& regex, bool matching) const {
  SeriesSetBuilder builder;
  MergedCursor cursor = Values(measurement, tag_key);
  while (cursor.Next()) {
    if (regex.Matches(cursor.value()) == matching) cursor.AddTo(&builder);
  }
  return Live(builder.Finish());
}

// The series whose value of the tag, "" when missing, is `value`.
SeriesSet ShardView::Equal(MeasurementId measurement, const std::string& tag_key,
                           const std::string& value, const SeriesSet& all) const {
  if (value.empty()) {
    SeriesSet without = all;
    without -= HasTag(measurement, tag_key);
    return without;
  }
  SeriesSetBuilder builder;
  for (const auto& part : contents_.parts) part->AddEqual(measurement, tag_key, value, &builder);
  return Live(builder.Finish());
}

// The series whose value of the tag, "" when missing, is one of `values`.
SeriesSet ShardView::OneOf(MeasurementId measurement, const std::string& tag_key,
                           const std::vector<std::string>& values, const SeriesSet& all) const {
  SeriesSetBuilder builder;
  bool missing = false;
  for (const std::string& value : values) {
    missing = missing || value.empty();
    if (value.empty()) continue;
    for (const auto& part : contents_.parts) part->AddEqual(measurement, tag_key, value, &builder);
  }
  SeriesSet set = Live(builder.Finish());
  if (missing) set |= Equal(measurement, tag_key, "", all);
  return set;
}

// The series whose value of the tag, "" when missing, matches the expression.
SeriesSet ShardView::Matching(MeasurementId measurement, const TagPredicate& predicate,
                              const SeriesSet& all) const {
  const TagRegex& regex = *predicate.regex;
  if (const std::vector<std::string>* values = regex.alternatives()) {
    return OneOf(measurement, predicate.key, *values, all);
  }
  if (!regex.Matches("")) return ScanValues(measurement, predicate.key, regex, true);
  SeriesSet set = all;
  set -= ScanValues(measurement, predicate.key, regex, false);
  return set;
}

SeriesSet ShardView::Evaluate(MeasurementId measurement, const TagPredicate& predicate,
                              const SeriesSet& all) const {
  switch (predicate.kind) {
    case TagPredicate::Kind::kAll:
      return all;
    case TagPredicate::Kind::kNone:
      return {};
    case TagPredicate::Kind::kAnd: {
      SeriesSet set = all;
      for (const TagPredicate& child : predicate.children) {
        if (set.empty()) break;
        set &= Evaluate(measurement, child, all);
      }
      return set;
    }
    case TagPredicate::Kind::kOr: {
      SeriesSet set;
      for (const TagPredicate& child : predicate.children) {
        set |= Evaluate(measurement, child, all);
      }
      return set;
    }
    case TagPredicate::Kind::kEqual:
      return Equal(measurement, predicate.key, predicate.value, all);
    case TagPredicate::Kind::kMatch:
      return Matching(measurement, predicate, all);
    case TagPredicate::Kind::kOneOf:
      return OneOf(measurement, predicate.key, *predicate.values, all);
    case TagPredicate::Kind::kNoneOf: {
      SeriesSet set = all;
      set -= OneOf(measurement, predicate.key, *predicate.values, all);
      return set;
    }
    case TagPredicate::Kind::kNotEqual: {
      SeriesSet set = all;
      set -= Equal(measurement, predicate.key, predicate.value, all);
      return set;
    }
    case TagPredicate::Kind::kNotMatch: {
      SeriesSet set = all;
      set -= Matching(measurement, predicate, all);
      return set;
    }
  }
  return {};
}

SeriesSet ShardView::Match(MeasurementId measurement, const TagPredicate& predicate) const {
  const SeriesSet all = Series(measurement);
  if (all.empty()) return {};
  return Evaluate(measurement, predicate, all);
}

}  // namespace varve::index
