#include "engine/remaining_rows.h"

#include <algorithm>

#include "base/status.h"

namespace varve::engine {

RemainingRows::RemainingRows(std::shared_ptr<const Parts> parts, CacheEpoch epoch)
    : parts_(std::move(parts)), epoch_(epoch), cursors_(parts_->files.size()) {}

void RemainingRows::FindDeleted(model::SeriesId series, uint64_t sequence) {
  deleted_.clear();
  if (!parts_->tombstones.empty()) {
    tsm::DeletedRanges(parts_->tombstones, series, sequence, &deleted_);
  }
}

bool RemainingRows::IsDeleted(int64_t time) const {
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [time](const model::TimeRange& range) { return range.Contains(time); });
}

bool RemainingRows::IsDeleted(const model::TimeRange& range) const {
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [&](const model::TimeRange& deleted) { return deleted.Contains(range); });
}

bool RemainingRows::InCache(const Cache& cache, CacheEpoch epoch, model::SeriesId series) {
  const CacheSeries* found = cache.Find(series);
  if (found == nullptr) return false;
  const uint32_t rows = Cache::VisibleRows(*found, epoch);
  if (rows == 0) return false;
  FindDeleted(series, cache.sequence());
  if (deleted_.empty()) return true;
  uint32_t end = rows;
  for (const CacheSlab* slab = found->tail.load(std::memory_order_acquire); slab != nullptr;
       slab = slab->previous) {
    for (uint32_t i = slab->first_row; i < end; ++i) {
      if (!IsDeleted(slab->times()[i - slab->first_row])) return true;
    }
    end = std::min(end, slab->first_row);
  }
  return false;
}

absl::StatusOr<bool> RemainingRows::InFile(size_t file, model::SeriesId series) {
  const FilePart& part = parts_->files[file];
  if (series < part.file.info.min_series || series > part.file.info.max_series) return false;
  if (part.reader == nullptr) return part.damage;
  if (cursors_[file] == nullptr) cursors_[file] = part.reader->NewCursor();
  tsm::FileReader::Cursor& cursor = *cursors_[file];
  ASSIGN_OR_RETURN(const bool found, cursor.Seek(series));
  if (!found) return false;
  FindDeleted(series, part.file.sequence);
  const auto chunks = cursor.chunks();
  for (const auto& chunk : chunks) {
    if (!IsDeleted(chunk.range.min_ns) || !IsDeleted(chunk.range.max_ns)) return true;
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (IsDeleted(chunks[i].range)) continue;
    RETURN_IF_ERROR(cursor.ReadTimes(i, &times_));
    for (int64_t time : times_) {
      if (!IsDeleted(time)) return true;
    }
  }
  return false;
}

absl::StatusOr<bool> RemainingRows::Has(model::SeriesId series) {
  if (InCache(*parts_->active, epoch_, series)) return true;
  for (const auto& frozen : parts_->frozen) {
    if (InCache(*frozen.cache, kAllRecords, series)) return true;
  }
  for (size_t file = 0; file < parts_->files.size(); ++file) {
    ASSIGN_OR_RETURN(const bool found, InFile(file, series));
    if (found) return true;
  }
  return false;
}

}  // namespace varve::engine
