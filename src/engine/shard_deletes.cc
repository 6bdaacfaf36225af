// How a shard applies deletes.
#include <algorithm>

#include "engine/remaining_rows.h"
#include "engine/shard.h"

namespace varve::engine {

void Shard::ApplyDelete(const DeleteRecord& record, const std::vector<model::SeriesId>& series,
                        wal::Lsn lsn) {
  if (lsn <= skip_through_ || series.empty()) return;
  // A tombstone covers whole caches. So rows that were written before it and are still in the
  // active cache are frozen first; what comes later goes to a newer one.
  const bool in_active = std::any_of(series.begin(), series.end(), [&](model::SeriesId id) {
    return active_->Find(id) != nullptr;
  });
  {
    absl::MutexLock lock(&mu_);
    if (in_active) FreezeLocked(lsn - 1);
    if (dirty_since_ == 0) dirty_since_ = lsn;
    tsm::Tombstone tombstone;
    tombstone.sequence = active_->sequence() - 1;
    tombstone.range = record.range;
    tombstone.series = std::make_shared<const std::vector<model::SeriesId>>(series);
    ChangeParts([&](Parts& parts) { parts.tombstones.push_back(std::move(tombstone)); });
    if (!record.drop_series) {
      open_deletes_.push_back({.lsn = lsn});
      has_open_deletes_ = true;
    }
  }
  if (!record.drop_series) return;
  index_->RemoveSeries(index::SeriesSet(series), record.drop_fields);
  if (record.drop_fields) {
    absl::MutexLock lock(&mu_);
    LoadTypes();
    validated_ = std::make_shared<ValidatedLayouts>();
  }
}

void Shard::ApplyRemoveSeries(const RemoveSeriesRecord& record, wal::Lsn lsn) {
  if (lsn <= skip_through_) return;
  NoteDirty(lsn);
  std::vector<model::SeriesId> gone;
  bool known = false;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& open : open_deletes_) {
      if (open.lsn != record.delete_lsn) continue;
      known = true;
      for (model::SeriesId id : record.series) {
        if (!open.revived.contains(id)) gone.push_back(id);
      }
    }
  }
  if (!known) {
    // Replay, and the delete itself is in the files already: look at what there is.
    RemainingRows remaining(parts_.Load(), kAllRecords);
    for (model::SeriesId id : record.series) {
      const auto has = remaining.Has(id);
      if (has.ok() && !*has) gone.push_back(id);
    }
  }
  if (!gone.empty()) index_->RemoveSeries(index::SeriesSet(gone), /*drop_fields=*/false);
  ForgetDelete(record.delete_lsn);
}

void Shard::ForgetDelete(wal::Lsn delete_lsn) {
  absl::MutexLock lock(&mu_);
  std::erase_if(open_deletes_, [&](const OpenDelete& open) { return open.lsn == delete_lsn; });
  has_open_deletes_ = !open_deletes_.empty();
}

}  // namespace varve::engine
