// ShardIndex::Flush: frozen memory indexes, and small segments before them, become one segment.

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "index/shard_index_impl.h"
#include "index/shard_segment_builder.h"
#include "index/shard_state.h"

namespace varve::index {

using model::MeasurementId;
using model::SeriesId;

namespace {

// A segment is merged with what follows it when it is no more than this many times its size.
constexpr uint64_t kMergeRatio = 1;
// Larger segments are made by no merge, which bounds its memory.
constexpr uint64_t kMergeSeriesMax = 8u << 20;
// Dead series are worth a rewrite when they are more than 1 / this of all.
constexpr uint64_t kDeadShare = 4;

}  // namespace

struct ShardIndexImpl::FlushPlan {
  std::vector<std::shared_ptr<const ShardSegment>> segments;
  std::vector<uint64_t> numbers;
  std::vector<std::shared_ptr<const MemIndex>> frozen;
  SeriesSet dead;
  std::string fields;
  uint64_t live = 0;
  uint64_t version = 0;
  bool state_changed = false;

  size_t keep = 0;  // segments that stay as they are
  // Filled by WriteFlush().
  SeriesSet dropped;                            // dead ones that are in no part any more
  std::shared_ptr<const ShardSegment> written;  // null when nothing is left of what was merged
  uint64_t written_number = 0;

  void ChooseMerge();
};

void ShardIndexImpl::FlushPlan::ChooseMerge() {
  keep = segments.size();
  if (dead.Count() * kDeadShare > live + dead.Count()) {
    keep = 0;
    return;
  }
  if (frozen.empty()) return;
  uint64_t size = 0;
  for (const auto& part : frozen) size += part->series_count();
  while (keep > 0) {
    const uint64_t before = segments[keep - 1]->series_count();
    if (before > size * kMergeRatio || before + size > kMergeSeriesMax) break;
    size += before;
    --keep;
  }
}

ShardIndexImpl::FlushPlan ShardIndexImpl::PlanFlush() {
  FlushPlan plan;
  absl::MutexLock lock(&mu_);
  Freeze();
  plan.segments = segments_;
  plan.numbers = segment_numbers_;
  plan.frozen = frozen_;
  // Not shared with dead_, which the applying thread goes on changing.
  plan.dead = SeriesSet(dead_.ToVector());
  plan.fields = fields_.Encode();
  plan.live = alive_.Count();
  plan.version = state_version_;
  plan.state_changed = state_version_ != flushed_version_;
  Changed();
  return plan;
}

absl::Status ShardIndexImpl::WriteFlush(FlushPlan* plan) {
  SegmentList list;
  list.segments.assign(plan->numbers.begin(),
                       plan->numbers.begin() + static_cast<ptrdiff_t>(plan->keep));
  std::vector<const IndexPart*> parts;
  for (size_t i = plan->keep; i < plan->segments.size(); ++i) {
    parts.push_back(plan->segments[i].get());
  }
  for (const auto& part : plan->frozen) parts.push_back(part.get());
  if (!parts.empty()) {
    ShardSegmentBytes built = BuildShardSegment(parts, plan->dead);
    plan->dropped = std::move(built.dropped);
    if (!built.file.empty()) {
      plan->written_number = next_segment_++;
      const std::string path = folder_.SegmentPath(plan->written_number);
      RETURN_IF_ERROR(folder_.WriteSegment(plan->written_number, built.file));
      built.file = {};
      ASSIGN_OR_RETURN(SectionFile file, SectionFile::Open(env_, path, kShardSegmentFormat));
      ASSIGN_OR_RETURN(plan->written, ShardSegment::Open(std::move(file)));
      list.segments.push_back(plan->written_number);
    }
  }
  list.next = next_segment_;
  ShardState state{.dead = plan->dead, .fields = plan->fields};
  state.dead -= plan->dropped;
  list.extra = state.Encode();
  return folder_.WriteList(list);
}

void ShardIndexImpl::Publish(const FlushPlan& plan) {
  absl::MutexLock lock(&mu_);
  const auto keep = static_cast<ptrdiff_t>(plan.keep);
  segments_.erase(segments_.begin() + keep, segments_.end());
  segment_numbers_.erase(segment_numbers_.begin() + keep, segment_numbers_.end());
  if (plan.written) {
    segments_.push_back(plan.written);
    segment_numbers_.push_back(plan.written_number);
  }
  frozen_.erase(frozen_.begin(), frozen_.begin() + static_cast<ptrdiff_t>(plan.frozen.size()));
  flushed_version_ = plan.version;

  // A series that was dead when the flush began is in no part now; if it has come back meanwhile,
  // it starts anew.
  dead_ -= plan.dropped;
  SeriesSet back = plan.dropped;
  back &= alive_;
  std::string key;
  for (const SeriesId series : back.ToVector()) {
    const MeasurementId measurement = table_.KeyOf(series, &key);
    active_->Add(series, measurement, key);
    ++active_series_;
  }
  Changed();
}

absl::Status ShardIndexImpl::Flush() {
  absl::MutexLock flush_lock(&flush_mu_);
  FlushPlan plan = PlanFlush();
  plan.ChooseMerge();
  if (plan.frozen.empty() && plan.keep == plan.segments.size() && !plan.state_changed) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(WriteFlush(&plan));
  Publish(plan);
  for (size_t i = plan.keep; i < plan.numbers.size(); ++i) folder_.RemoveSegment(plan.numbers[i]);
  return absl::OkStatus();
}

}  // namespace varve::index
