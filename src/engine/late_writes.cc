#include "engine/late_writes.h"

#include <algorithm>
#include <iterator>

namespace varve::engine {
namespace {

constexpr size_t kMaxRanges = 512;

// The first multiple of `grain` at or before `t`.
int64_t Floor(int64_t t, int64_t grain) {
  const int64_t rest = t % grain;
  const int64_t back = rest < 0 ? rest + grain : rest;
  return t < model::kMinTimeNs + back ? model::kMinTimeNs : t - back;
}

}  // namespace

void LateWrites::SetWatches(absl::flat_hash_map<model::DatabaseId, Watch> watches) {
  absl::MutexLock lock(&mu_);
  watches_ = std::move(watches);
  watching_ = !watches_.empty();
}

std::vector<LateWrites::Note> LateWrites::Take() {
  std::map<Key, Ranges> notes;
  {
    absl::MutexLock lock(&mu_);
    notes.swap(notes_);
    last_range_ = {.min_ns = 1, .max_ns = 0};
  }
  std::vector<Note> result;
  for (const auto& [key, ranges] : notes) {
    Note note{key.database, key.shard, key.measurement, {}};
    for (const auto& [first, last] : ranges) note.ranges.push_back({first, last});
    result.push_back(std::move(note));
  }
  return result;
}

int64_t LateWrites::Before(model::DatabaseId database) const {
  if (!watching_.load(std::memory_order_relaxed)) return model::kMinTimeNs;
  absl::MutexLock lock(&mu_);
  const auto found = watches_.find(database);
  return found == watches_.end() ? model::kMinTimeNs : found->second.before_ns;
}

void LateWrites::Add(model::DatabaseId database, model::ShardId shard,
                     model::MeasurementId measurement, model::TimeRange range) {
  absl::MutexLock lock(&mu_);
  const Key key{database, shard, measurement};
  if (key == last_key_ && last_range_.Contains(range)) return;
  const auto watch = watches_.find(database);
  if (watch == watches_.end()) return;
  range.max_ns = std::min(range.max_ns, watch->second.before_ns - 1);
  if (range.empty()) return;
  const int64_t grain = std::max<int64_t>(watch->second.grain_ns, 1);
  const int64_t last = Floor(range.max_ns, grain);
  range.min_ns = Floor(range.min_ns, grain);
  range.max_ns = last > model::kMaxTimeNs - grain ? model::kMaxTimeNs : last + grain - 1;
  Insert(notes_[key], range);
  last_key_ = key;
  last_range_ = range;
}

void LateWrites::Insert(Ranges& ranges, model::TimeRange range) {
  auto at = ranges.upper_bound(range.min_ns);
  if (at != ranges.begin()) {
    const auto before = std::prev(at);
    if (before->second >= range.min_ns - 1) {
      range.min_ns = before->first;
      range.max_ns = std::max(range.max_ns, before->second);
      at = ranges.erase(before);
    }
  }
  while (at != ranges.end() && at->first - 1 <= range.max_ns) {
    range.max_ns = std::max(range.max_ns, at->second);
    at = ranges.erase(at);
  }
  ranges.emplace_hint(at, range.min_ns, range.max_ns);
  if (ranges.size() <= kMaxRanges) return;
  auto closest = ranges.begin();
  for (auto it = ranges.begin(); std::next(it) != ranges.end(); ++it) {
    const auto gap = [](auto a) { return std::next(a)->first - a->second; };
    if (gap(it) < gap(closest)) closest = it;
  }
  closest->second = std::next(closest)->second;
  ranges.erase(std::next(closest));
}

}  // namespace varve::engine
