#include "index/shard_index.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "index/shard_index_impl.h"
#include "index/shard_state.h"

namespace varve::index {

using model::FieldId;
using model::FieldType;
using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

namespace {

// An active index of so many series is set aside as frozen: a reader of the active one makes the
// applying thread wait, for a time that this bounds.
constexpr uint64_t kActiveSeriesMax = 64 << 10;
// Series added while views wait: some hundred microseconds.
constexpr size_t kSeriesPerLock = 256;

}  // namespace

absl::StatusOr<std::unique_ptr<ShardIndex>> ShardIndex::Open(base::Env& env, std::string folder,
                                                             const SeriesTable& table) {
  auto index = std::make_unique<ShardIndexImpl>(env, std::move(folder), table);
  RETURN_IF_ERROR(index->Load());
  return std::unique_ptr<ShardIndex>(std::move(index));
}

ShardIndexImpl::ShardIndexImpl(base::Env& env, std::string folder, const SeriesTable& table)
    : env_(env),
      table_(table),
      folder_(env, std::move(folder), "index"),
      active_(std::make_shared<MemIndex>()) {}

absl::Status ShardIndexImpl::Load() {
  absl::MutexLock flush_lock(&flush_mu_);
  ASSIGN_OR_RETURN(const SegmentList list, folder_.Open());
  next_segment_ = list.next;
  absl::MutexLock lock(&mu_);
  if (!list.extra.empty()) {
    ASSIGN_OR_RETURN(ShardState state, ShardState::Decode(list.extra), "file=", folder_.ListPath());
    dead_ = std::move(state.dead);
    ASSIGN_OR_RETURN(fields_, FieldTypes::Decode(state.fields), "file=", folder_.ListPath());
  }
  SeriesSetBuilder all;
  for (const uint64_t number : list.segments) {
    const std::string path = folder_.SegmentPath(number);
    auto file = SectionFile::Open(env_, path, kShardSegmentFormat);
    if (absl::IsNotFound(file.status())) {
      return base::DataLoss("index segment is missing [file=", path, "]");
    }
    RETURN_IF_ERROR(file.status());
    ASSIGN_OR_RETURN(auto segment, ShardSegment::Open(std::move(file).value()));
    std::vector<MeasurementId> measurements;
    segment->AddMeasurements(&measurements);
    for (const MeasurementId measurement : measurements) {
      SeriesSetBuilder builder;
      segment->AddSeriesOf(measurement, &builder);
      SeriesSet series = builder.Finish();
      series -= dead_;
      live_count_[measurement] += series.Count();
      all.Add(series);
    }
    segments_.push_back(std::move(segment));
    segment_numbers_.push_back(number);
  }
  alive_ = all.Finish();
  return absl::OkStatus();
}

SeriesSet& ShardIndexImpl::MutableAlive() {
  if (std::exchange(alive_lent_, false) && alive_.bits() != nullptr) {
    alive_ = SeriesSet::Adopt(roaring_bitmap_copy(alive_.bits()));
  }
  return alive_;
}

FieldType ShardIndexImpl::ReserveField(FieldId field, FieldType type) {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (const FieldType known = fields_.Find(field); known != FieldType::kNone) return known;
  }
  absl::MutexLock lock(&mu_);
  return fields_.Reserve(field, type);
}

bool ShardIndexImpl::Contains(SeriesId series) const {
  absl::ReaderMutexLock lock(&mu_);
  return alive_.Contains(series);
}

uint64_t ShardIndexImpl::series_count() const {
  absl::ReaderMutexLock lock(&mu_);
  return alive_.Count();
}

uint64_t ShardIndexImpl::memory_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = active_->memory_bytes() + alive_.memory_bytes() + dead_.memory_bytes();
  for (const auto& part : frozen_) bytes += part->memory_bytes();
  for (const auto& segment : segments_) bytes += segment->memory_bytes();
  return bytes;
}

uint64_t ShardIndexImpl::disk_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->file_bytes();
  return bytes;
}

std::shared_ptr<const ShardIndexView> ShardIndexImpl::View() const {
  absl::MutexLock lock(&mu_);
  if (view_) return view_;
  if (!field_snapshot_) field_snapshot_ = fields_.Snapshot(table_);
  ShardView::Contents contents;
  contents.parts.assign(segments_.begin(), segments_.end());
  contents.parts.insert(contents.parts.end(), frozen_.begin(), frozen_.end());
  if (active_series_ > 0) contents.parts.push_back(active_);
  contents.alive = alive_;
  alive_lent_ = true;
  contents.all_alive = dead_.empty() && active_series_ == 0;
  contents.fields = field_snapshot_;
  view_ = std::make_shared<const ShardView>(std::move(contents));
  return view_;
}

void ShardIndexImpl::AddSeries(std::span<const SeriesId> series) {
  const auto reader = table_.NewKeyReader();
  std::vector<SeriesId> absent;
  SeriesKeys keys;
  while (!series.empty()) {
    const auto group = series.first(std::min(series.size(), kSeriesPerLock));
    series = series.subspan(group.size());
    absent.clear();
    absl::MutexLock lock(&mu_);
    for (const SeriesId id : group) {
      if (!alive_.Contains(id)) absent.push_back(id);
    }
    if (absent.empty()) continue;
    reader->KeysOf(absent, &keys);
    for (size_t i = 0; i < absent.size(); ++i) {
      const SeriesId id = absent[i];
      const MeasurementId measurement = keys.measurements[i];
      if (measurement == model::kNoId || alive_.Contains(id)) continue;
      MutableAlive().Add(id);
      ++live_count_[measurement];
      if (dead_.Contains(id)) {
        dead_.Remove(id);
        ++state_version_;
      } else {
        active_->Add(id, measurement, keys.key(i));
        if (++active_series_ == kActiveSeriesMax) Freeze();
      }
    }
    Changed();
  }
}

void ShardIndexImpl::Freeze() {
  if (active_series_ == 0) return;
  frozen_.push_back(std::move(active_));
  active_ = std::make_shared<MemIndex>();
  active_series_ = 0;
}

void ShardIndexImpl::AddField(FieldId field, FieldType type) {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (fields_.IsVisible(field, type)) return;
  }
  absl::MutexLock lock(&mu_);
  if (!fields_.Add(field, type)) return;
  field_snapshot_.reset();
  ++state_version_;
  Changed();
}

void ShardIndexImpl::RemoveSeries(const SeriesSet& series, bool drop_fields) {
  absl::MutexLock lock(&mu_);
  std::vector<MeasurementId> touched;
  SeriesSet victims;
  for (const SeriesId id : series.ToVector()) {
    const MeasurementId measurement = table_.MeasurementOfSeries(id);
    if (measurement == model::kNoId) continue;
    if (touched.empty() || touched.back() != measurement) touched.push_back(measurement);
    if (!alive_.Contains(id)) continue;
    victims.Add(id);
    --live_count_[measurement];
  }
  if (!victims.empty()) {
    MutableAlive() -= victims;
    dead_ |= victims;
    ++state_version_;
  }
  if (drop_fields) DropFieldsOf(touched);
  Changed();
}

void ShardIndexImpl::DropFieldsOf(const std::vector<MeasurementId>& measurements) {
  absl::flat_hash_map<MeasurementId, bool> empty;
  for (const MeasurementId measurement : measurements) {
    const auto count = live_count_.find(measurement);
    empty[measurement] = count == live_count_.end() || count->second == 0;
  }
  for (const FieldId field : fields_.All()) {
    const auto at = empty.find(table_.MeasurementOfField(field));
    if (at == empty.end() || !at->second || !fields_.Remove(field)) continue;
    field_snapshot_.reset();
    ++state_version_;
  }
}

}  // namespace varve::index
