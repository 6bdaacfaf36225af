#include "query/write_target.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "model/series_key.h"

namespace varve::query {
namespace {

constexpr size_t kPointsPerWrite = 10'000;

// Tags without a value are none.
std::string KeyOf(const std::string& measurement, const TagPairs& tags) {
  model::SeriesKey key;
  key.measurement = measurement;
  for (const auto& [name, value] : tags) {
    if (!value.empty()) key.tags.push_back({name, value});
  }
  std::sort(key.tags.begin(), key.tags.end(),
            [](const model::Tag& a, const model::Tag& b) { return a.key < b.key; });
  return key.Encode();
}

}  // namespace

TargetSink::TargetSink(const Measurement& target, PolicyName policy,
                       std::vector<std::string> columns, std::vector<std::string> tag_columns,
                       QueryState& query)
    : measurement_(target.name),
      policy_(std::move(policy)),
      columns_(std::move(columns)),
      tag_columns_(std::move(tag_columns)),
      query_(query) {}

absl::Status TargetSink::Begin(std::string_view name, const TagPairs& tags) {
  name_ = measurement_.empty() ? std::string(name) : measurement_;
  tags_ = tags;
  series_key_ = KeyOf(name_, tags_);
  return absl::OkStatus();
}

absl::Status TargetSink::Rows(size_t rows, const int64_t* times, const model::FieldValue* values) {
  const size_t width = columns_.size() + tag_columns_.size();
  for (size_t row = 0; row < rows; ++row, values += width) {
    engine::Point point;
    point.time_ns = times[row];
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!values[i].is_null()) point.fields.emplace_back(columns_[i], texts_.Keep(values[i]));
    }
    if (point.fields.empty()) continue;
    point.series_key = series_key_;
    if (!tag_columns_.empty()) {
      TagPairs tags = tags_;
      for (size_t i = 0; i < tag_columns_.size(); ++i) {
        const model::FieldValue& value = values[columns_.size() + i];
        if (value.type() != model::FieldType::kString) continue;
        tags.emplace_back(tag_columns_[i], value.as_string());
      }
      point.series_key = KeyOf(name_, tags);
    }
    points_.push_back(std::move(point));
    if (points_.size() == kPointsPerWrite) RETURN_IF_ERROR(Flush());
  }
  return absl::OkStatus();
}

absl::Status TargetSink::Flush() {
  if (points_.empty()) return absl::OkStatus();
  const engine::WriteResult result =
      query_.context().environment->store->WritePoints(policy_.database, policy_.policy, points_);
  RETURN_IF_ERROR(result.status);
  written_ += points_.size();
  points_.clear();
  texts_ = TextArena();
  return absl::OkStatus();
}

absl::Status TargetSink::Finish() { return Flush(); }

}  // namespace varve::query
