// SeriesTable::Flush: frozen deltas, and small segments before them, become one segment.

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "index/series_segment_builder.h"
#include "index/series_table_impl.h"

namespace varve::index {

using model::MeasurementId;
using model::SeriesId;

namespace {

// A segment is merged with what follows it when it is no more than this many times its size, so
// that a table of n series has O(log n) segments and a series is rewritten O(log n) times.
constexpr uint64_t kMergeRatio = 3;
// Bounds the memory of a merge: a new segment is begun when one holds so many key bytes.
constexpr uint64_t kSegmentKeyBytesMax = uint64_t{512} << 20;

}  // namespace

struct SeriesTableImpl::FlushPlan {
  SeriesParts parts;  // as of the beginning; its delta is not flushed
  size_t keep = 0;    // segments that stay as they are
  // Names to write, read from `schema_` while the plan was made.
  std::vector<std::string> measurements;
  std::vector<std::pair<MeasurementId, std::string>> fields;
  uint32_t first_measurement = 0;
  uint32_t first_field = 0;
  // Filled by WriteSegments().
  std::vector<std::shared_ptr<const SeriesSegment>> written;
  std::vector<uint64_t> written_numbers;

  SeriesId first() const {
    if (keep < parts.segments.size()) return parts.segments[keep]->first_series();
    return parts.frozen.empty() ? end() : parts.frozen.front()->first();
  }
  SeriesId end() const { return parts.delta->first(); }
  bool empty() const { return parts.frozen.empty() && measurements.empty() && fields.empty(); }
};

SeriesTableImpl::FlushPlan SeriesTableImpl::PlanFlush() {
  FlushPlan plan;
  absl::MutexLock lock(&mu_);
  absl::ReaderMutexLock schema_lock(&schema_mu_);
  if (parts_.delta->end() != parts_.delta->first()) {
    parts_.frozen.push_back(parts_.delta);
    parts_.delta = std::make_shared<SeriesDelta>(parts_.delta->end());
  }
  plan.parts = parts_;
  plan.keep = parts_.segments.size();
  plan.first_measurement = flushed_measurements_;
  plan.first_field = flushed_fields_;
  for (uint32_t i = flushed_measurements_; i < schema_.measurement_count(); ++i) {
    plan.measurements.emplace_back(schema_.MeasurementName(i));
  }
  for (uint32_t i = flushed_fields_; i < schema_.field_count(); ++i) {
    plan.fields.emplace_back(schema_.MeasurementOfField(i), schema_.FieldName(i));
  }
  return plan;
}

namespace {

// How many of the segments, from the first, stay when `fresh` series are added behind them.
size_t SegmentsToKeep(const std::vector<std::shared_ptr<const SeriesSegment>>& segments,
                      uint64_t fresh) {
  size_t keep = segments.size();
  uint64_t size = fresh;
  while (keep > 0) {
    const uint64_t before = segments[keep - 1]->series_count();
    if (before > size * kMergeRatio || before + size > kSegmentSeriesMax) break;
    size += before;
    --keep;
  }
  return keep;
}

}  // namespace

std::vector<std::string> SeriesTableImpl::BuildSegments(const FlushPlan& plan) const {
  std::vector<std::string> files;
  const auto& segments = plan.parts.segments;
  const bool merging = plan.keep < segments.size();
  const uint32_t measurement =
      merging ? segments[plan.keep]->first_measurement() : plan.first_measurement;
  const uint32_t field = merging ? segments[plan.keep]->first_field() : plan.first_field;
  auto builder = std::make_unique<SeriesSegmentBuilder>(plan.first(), measurement, field);
  for (size_t i = plan.keep; i < segments.size(); ++i) {
    for (const std::string& name : segments[i]->measurements()) builder->AddMeasurement(name);
    for (const auto& [of, name] : segments[i]->fields()) builder->AddField(of, name);
  }
  for (const std::string& name : plan.measurements) builder->AddMeasurement(name);
  for (const auto& [of, name] : plan.fields) builder->AddField(of, name);

  const auto measurements_end =
      static_cast<uint32_t>(plan.first_measurement + plan.measurements.size());
  const auto fields_end = static_cast<uint32_t>(plan.first_field + plan.fields.size());
  std::string key;
  uint64_t key_bytes = 0;
  for (SeriesId series = plan.first(); series < plan.end(); ++series) {
    if (builder->series_count() == kSegmentSeriesMax || key_bytes > kSegmentKeyBytesMax) {
      files.push_back(builder->Finish());
      builder = std::make_unique<SeriesSegmentBuilder>(series, measurements_end, fields_end);
      key_bytes = 0;
    }
    const MeasurementId of = plan.parts.OldKeyOf(series, &key);
    builder->AddSeries(of, key);
    key_bytes += key.size();
  }
  files.push_back(builder->Finish());
  return files;
}

absl::Status SeriesTableImpl::WriteSegments(const std::vector<std::string>& files,
                                            FlushPlan* plan) {
  SegmentList list;
  list.segments.assign(plan->parts.segment_numbers.begin(),
                       plan->parts.segment_numbers.begin() + static_cast<ptrdiff_t>(plan->keep));
  for (const std::string& bytes : files) {
    const uint64_t number = next_segment_++;
    RETURN_IF_ERROR(folder_.WriteSegment(number, bytes));
    ASSIGN_OR_RETURN(SectionFile file,
                     SectionFile::Open(env_, folder_.SegmentPath(number), kSeriesSegmentFormat));
    ASSIGN_OR_RETURN(auto segment, SeriesSegment::Open(std::move(file)));
    plan->written.push_back(std::move(segment));
    plan->written_numbers.push_back(number);
    list.segments.push_back(number);
  }
  list.next = next_segment_;
  return folder_.WriteList(list);
}

void SeriesTableImpl::Publish(const FlushPlan& plan) {
  absl::MutexLock lock(&mu_);
  const auto keep = static_cast<ptrdiff_t>(plan.keep);
  parts_.segments.erase(parts_.segments.begin() + keep, parts_.segments.end());
  parts_.segments.insert(parts_.segments.end(), plan.written.begin(), plan.written.end());
  parts_.segment_numbers.erase(parts_.segment_numbers.begin() + keep, parts_.segment_numbers.end());
  parts_.segment_numbers.insert(parts_.segment_numbers.end(), plan.written_numbers.begin(),
                                plan.written_numbers.end());
  parts_.frozen.erase(parts_.frozen.begin(),
                      parts_.frozen.begin() + static_cast<ptrdiff_t>(plan.parts.frozen.size()));
  flushed_measurements_ = static_cast<uint32_t>(plan.first_measurement + plan.measurements.size());
  flushed_fields_ = static_cast<uint32_t>(plan.first_field + plan.fields.size());
}

absl::Status SeriesTableImpl::Flush() {
  absl::MutexLock flush_lock(&flush_mu_);
  FlushPlan plan = PlanFlush();
  if (plan.empty()) return absl::OkStatus();
  plan.keep = SegmentsToKeep(plan.parts.segments, plan.end() - plan.first());
  RETURN_IF_ERROR(WriteSegments(BuildSegments(plan), &plan));
  Publish(plan);
  for (size_t i = plan.keep; i < plan.parts.segment_numbers.size(); ++i) {
    folder_.RemoveSegment(plan.parts.segment_numbers[i]);
  }
  return absl::OkStatus();
}

}  // namespace varve::index
