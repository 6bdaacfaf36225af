// SeriesTable::Flush: frozen deltas, small segments before them, and segments with many forgotten
// series become new segments, without those.

#include <algorithm>
#include <optional>
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
constexpr uint64_t kMergeRatio = 1;
// Forgotten series are worth a rewrite when they are more than 1 / this of their segment.
constexpr uint64_t kDeadShare = 4;
// Bounds the memory of a merge: a new segment is begun when one holds so many key bytes.
constexpr uint64_t kSegmentKeyBytesMax = uint64_t{512} << 20;

}  // namespace

// Neighbouring segments that become one, or several where that would be too large, or none where
// nothing is left of them.
struct SeriesTableImpl::Rewrite {
  size_t begin = 0;
  size_t end = 0;
  bool takes_fresh = false;          // the frozen deltas and new names, too
  std::vector<SegmentPart> written;  // filled by WriteSegments()
};

struct SeriesTableImpl::FlushPlan {
  SeriesParts parts;  // as of the beginning; its delta is not flushed
  uint64_t dead_version = 0;
  bool dead_changed = false;
  // Names to write, read from `schema_` while the plan was made.
  std::vector<std::string> measurements;
  std::vector<std::pair<MeasurementId, std::string>> fields;
  uint32_t first_measurement = 0;
  uint32_t first_field = 0;
  std::vector<Rewrite> rewrites;  // ascending

  bool has_fresh() const {
    return !parts.frozen.empty() || !measurements.empty() || !fields.empty();
  }
  void ChooseRewrites();

 private:
  bool IsWorthIt(const SegmentPart& part) const {
    return part.dead_count() * kDeadShare > part.segment->series_count();
  }
  // Takes in the segments before `rewrite`, which will have `size` series, that are small beside it
  // or worth a rewrite themselves.
  void Extend(Rewrite* rewrite, uint64_t size) const;
};

void SeriesTableImpl::FlushPlan::Extend(Rewrite* rewrite, uint64_t size) const {
  while (rewrite->begin > 0) {
    const SegmentPart& before = parts.segments[rewrite->begin - 1];
    if (before.live_count() > size * kMergeRatio && !IsWorthIt(before)) return;
    if (before.live_count() + size > kSegmentSeriesMax) return;
    size += before.live_count();
    --rewrite->begin;
  }
}

void SeriesTableImpl::FlushPlan::ChooseRewrites() {
  size_t at = parts.segments.size();
  if (has_fresh()) {
    Rewrite last{.begin = at, .end = at, .takes_fresh = true};
    Extend(&last, parts.delta->first() - parts.segments_end());
    at = last.begin;
    rewrites.push_back(std::move(last));
  }
  while (at > 0) {
    if (!IsWorthIt(parts.segments[at - 1])) {
      --at;
      continue;
    }
    Rewrite rewrite{.begin = at - 1, .end = at};
    Extend(&rewrite, parts.segments[at - 1].live_count());
    at = rewrite.begin;
    rewrites.push_back(std::move(rewrite));
  }
  std::reverse(rewrites.begin(), rewrites.end());
}

SeriesTableImpl::FlushPlan SeriesTableImpl::PlanFlush() {
  FlushPlan plan;
  absl::MutexLock lock(&mu_);
  absl::ReaderMutexLock schema_lock(&schema_mu_);
  if (parts_.delta->end() != parts_.delta->first()) {
    parts_.frozen.push_back(parts_.delta);
    parts_.delta = std::make_shared<SeriesDelta>(parts_.delta->end());
  }
  plan.parts = parts_;
  plan.dead_version = dead_version_;
  plan.dead_changed = dead_version_ != flushed_dead_version_;
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

// Gathers series and names, ascending, into files.
class SegmentBuilders {
 public:
  SegmentBuilders(SeriesId first, uint32_t measurement, uint32_t field)
      : measurements_(measurement), fields_(field) {
    builder_.emplace(first, measurement, field);
  }
  void AddMeasurement(std::string_view name) {
    builder_->AddMeasurement(name);
    ++measurements_;
    any_ = true;
  }
  void AddField(MeasurementId of, std::string_view name) {
    builder_->AddField(of, name);
    ++fields_;
    any_ = true;
  }
  // After the names. Returns the bytes of a file when one is full.
  std::string AddSeries(SeriesId series, MeasurementId of, std::string_view key) {
    std::string full;
    if (builder_->series_count() == kSegmentSeriesMax || key_bytes_ > kSegmentKeyBytesMax) {
      full = builder_->Finish();
      builder_.emplace(series, measurements_, fields_);
      key_bytes_ = 0;
    }
    builder_->AddSeries(series, of, key);
    key_bytes_ += key.size();
    any_ = true;
    return full;
  }
  // The last file; empty when there is nothing to be kept.
  std::string Finish() { return any_ ? builder_->Finish() : std::string(); }

 private:
  uint32_t measurements_;
  uint32_t fields_;
  std::optional<SeriesSegmentBuilder> builder_;
  uint64_t key_bytes_ = 0;
  bool any_ = false;
};

}  // namespace

absl::Status SeriesTableImpl::WriteSegment(const std::string& bytes, Rewrite* rewrite) {
  const uint64_t number = next_segment_++;
  RETURN_IF_ERROR(folder_.WriteSegment(number, bytes));
  ASSIGN_OR_RETURN(SectionFile file,
                   SectionFile::Open(env_, folder_.SegmentPath(number), kSeriesSegmentFormats));
  ASSIGN_OR_RETURN(auto segment, SeriesSegment::Open(std::move(file)));
  rewrite->written.push_back({.segment = std::move(segment), .number = number});
  return absl::OkStatus();
}

absl::Status SeriesTableImpl::WriteSegments(const FlushPlan& plan, Rewrite* rewrite) {
  const auto& segments = plan.parts.segments;
  const bool merging = rewrite->begin < rewrite->end;
  const SeriesSegment* first = merging ? segments[rewrite->begin].segment.get() : nullptr;
  SegmentBuilders out(merging ? first->first_series() : plan.parts.segments_end(),
                      merging ? first->first_measurement() : plan.first_measurement,
                      merging ? first->first_field() : plan.first_field);
  for (size_t i = rewrite->begin; i < rewrite->end; ++i) {
    for (const std::string& name : segments[i].segment->measurements()) out.AddMeasurement(name);
    for (const auto& [of, name] : segments[i].segment->fields()) out.AddField(of, name);
  }
  if (rewrite->takes_fresh) {
    for (const std::string& name : plan.measurements) out.AddMeasurement(name);
    for (const auto& [of, name] : plan.fields) out.AddField(of, name);
  }

  std::string key;
  for (size_t i = rewrite->begin; i < rewrite->end; ++i) {
    const SegmentPart& part = segments[i];
    for (uint32_t index = 0; index < part.segment->series_count(); ++index) {
      if (!part.IsLive(index)) continue;
      const SeriesId series = part.segment->IdAt(index);
      const MeasurementId of = part.segment->KeyOf(series, &key);
      const std::string full = out.AddSeries(series, of, key);
      if (!full.empty()) RETURN_IF_ERROR(WriteSegment(full, rewrite));
    }
  }
  for (size_t i = 0; rewrite->takes_fresh && i < plan.parts.frozen.size(); ++i) {
    const SeriesDelta& delta = *plan.parts.frozen[i];
    for (SeriesId series = delta.first(); series < delta.end(); ++series) {
      const std::string full =
          out.AddSeries(series, delta.MeasurementOf(series), delta.KeyOf(series));
      if (!full.empty()) RETURN_IF_ERROR(WriteSegment(full, rewrite));
    }
  }
  const std::string last = out.Finish();
  return last.empty() ? absl::OkStatus() : WriteSegment(last, rewrite);
}

absl::Status SeriesTableImpl::WriteList(const FlushPlan& plan) {
  SegmentList list;
  TableState state;
  bool contiguous = true;
  const auto add = [&](const SegmentPart& part) {
    list.segments.push_back(part.number);
    contiguous = contiguous && part.segment->first_series() == state.next_series;
    state.next_series = part.segment->end_series();
    part.AddDead(&state.dead);
  };
  size_t at = 0;
  for (const Rewrite& rewrite : plan.rewrites) {
    for (; at < rewrite.begin; ++at) add(plan.parts.segments[at]);
    for (const SegmentPart& part : rewrite.written) add(part);
    at = rewrite.end;
  }
  for (; at < plan.parts.segments.size(); ++at) add(plan.parts.segments[at]);
  contiguous = contiguous && state.next_series == plan.parts.delta->first();
  state.next_series = plan.parts.delta->first();
  if (!contiguous || !state.dead.empty()) {
    list.version = 2;
    list.extra = state.Encode();
  }
  list.next = next_segment_;
  return folder_.WriteList(list);
}

namespace {

// Carries what happened to the series of `before`, since `planned` was taken of it, over to the
// segment that they were written to.
void CarryMarks(const SegmentPart& before, const SegmentPart& planned, SegmentPart* written) {
  const bool died = before.dead != planned.dead;
  if (!died && before.watched == nullptr) return;
  std::shared_ptr<DeadSeries> dead;
  for (uint32_t i = 0; i < before.segment->series_count(); ++i) {
    const bool is_dead = died && !before.IsLive(i) && planned.IsLive(i);
    const bool is_watched = before.watched != nullptr && before.watched->Has(i);
    uint32_t index;
    if (!is_dead && !is_watched) continue;
    if (!written->segment->IndexOf(before.segment->IdAt(i), &index)) continue;
    if (is_dead) {
      if (dead == nullptr) {
        dead = std::make_shared<DeadSeries>(*written->segment, written->dead.get());
      }
      dead->Add(index);
    } else {
      if (written->watched == nullptr) {
        written->watched = std::make_shared<WatchedSeries>(*written->segment);
      }
      written->watched->Add(index);
    }
  }
  if (dead != nullptr) written->dead = std::move(dead);
}

}  // namespace

void SeriesTableImpl::Publish(const FlushPlan& plan) {
  absl::MutexLock lock(&mu_);
  std::vector<SegmentPart> segments;
  size_t at = 0;
  for (const Rewrite& rewrite : plan.rewrites) {
    for (; at < rewrite.begin; ++at) segments.push_back(parts_.segments[at]);
    for (SegmentPart part : rewrite.written) {
      for (size_t i = rewrite.begin; i < rewrite.end; ++i) {
        CarryMarks(parts_.segments[i], plan.parts.segments[i], &part);
      }
      segments.push_back(std::move(part));
    }
    at = rewrite.end;
  }
  for (; at < parts_.segments.size(); ++at) segments.push_back(parts_.segments[at]);
  parts_.segments = std::move(segments);
  parts_.frozen.erase(parts_.frozen.begin(),
                      parts_.frozen.begin() + static_cast<ptrdiff_t>(plan.parts.frozen.size()));
  flushed_measurements_ = static_cast<uint32_t>(plan.first_measurement + plan.measurements.size());
  flushed_fields_ = static_cast<uint32_t>(plan.first_field + plan.fields.size());
  flushed_dead_version_ = plan.dead_version;
}

absl::Status SeriesTableImpl::Flush() {
  absl::MutexLock flush_lock(&flush_mu_);
  FlushPlan plan = PlanFlush();
  plan.ChooseRewrites();
  if (plan.rewrites.empty() && !plan.dead_changed) return absl::OkStatus();
  for (Rewrite& rewrite : plan.rewrites) RETURN_IF_ERROR(WriteSegments(plan, &rewrite));
  RETURN_IF_ERROR(WriteList(plan));
  Publish(plan);
  for (const Rewrite& rewrite : plan.rewrites) {
    for (size_t i = rewrite.begin; i < rewrite.end; ++i) {
      folder_.RemoveSegment(plan.parts.segments[i].number);
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::index
