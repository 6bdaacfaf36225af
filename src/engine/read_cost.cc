// ReadView::Cost.
#include <algorithm>
#include <vector>

#include "base/status.h"
#include "engine/cache_rows.h"
#include "engine/shard_view.h"

namespace varve::engine {
namespace {

class CostCounter {
 public:
  CostCounter(std::span<const model::FieldId> fields, const model::TimeRange& range)
      : fields_(fields.begin(), fields.end()), range_(range) {
    std::sort(fields_.begin(), fields_.end());
  }

  absl::Status AddFile(const FilePart& part, std::span<const model::SeriesId> series) {
    const tsm::FileInfo& info = part.file.info;
    if (!info.range.Overlaps(range_)) return absl::OkStatus();
    RETURN_IF_ERROR(part.damage);
    const auto cursor = part.reader->NewCursor();
    cursor->SelectFields(fields_);
    for (const model::SeriesId id : series) {
      if (id < info.min_series || id > info.max_series) continue;
      ASSIGN_OR_RETURN(const bool found, cursor->Seek(id));
      if (found) AddChunks(cursor->chunks());
    }
    return absl::OkStatus();
  }

  void AddCache(const Cache& cache, CacheEpoch epoch, std::span<const model::SeriesId> series) {
    for (const model::SeriesId id : series) {
      const CacheSeries* found = cache.Find(id);
      if (found == nullptr || !rows_.Open(*found, epoch)) continue;
      wanted_.clear();
      rows_.Fields(&wanted_);
      std::erase_if(wanted_, [this](const FieldRequest& field) {
        return !std::binary_search(fields_.begin(), fields_.end(), field.field);
      });
      if (wanted_.empty()) continue;
      for (size_t piece = 0; piece < rows_.pieces().size(); ++piece) {
        if (rows_.pieces()[piece].range.Overlaps(range_)) AddPiece(piece);
      }
    }
  }

  const ReadCost& cost() const { return cost_; }

 private:
  void AddChunks(std::span<const tsm::ChunkMeta> chunks) {
    std::vector<bool> seen(fields_.size());
    for (const tsm::ChunkMeta& chunk : chunks) {
      if (!chunk.range.Overlaps(range_)) continue;
      for (const tsm::ColumnMeta& column : chunk.columns) {
        ++cost_.blocks;
        cost_.block_bytes += column.bytes;
        const auto at = std::lower_bound(fields_.begin(), fields_.end(), column.field);
        seen[static_cast<size_t>(at - fields_.begin())] = true;
      }
    }
    cost_.files += static_cast<uint64_t>(std::count(seen.begin(), seen.end(), true));
  }

  void AddPiece(size_t piece) {
    model::ColumnBatch batch;
    rows_.Load(piece, wanted_, &storage_, &batch);
    for (const model::ColumnVector& column : batch.columns) {
      if (column.type == model::FieldType::kNone) continue;
      for (size_t row = 0; row < batch.rows; ++row) {
        if (range_.Contains(batch.times[row]) && column.IsValid(row)) ++cost_.cached_values;
      }
    }
  }

  std::vector<model::FieldId> fields_;  // ascending
  const model::TimeRange range_;
  ReadCost cost_;
  CacheRows rows_;
  CacheColumns storage_;
  std::vector<FieldRequest> wanted_;
};

}  // namespace

absl::StatusOr<ReadCost> ShardView::Cost(std::span<const model::SeriesId> series,
                                         std::span<const model::FieldId> fields,
                                         const model::TimeRange& range) const {
  CostCounter counter(fields, range);
  for (const ShardSnapshot& shard : shards_) {
    if (!shard.shard.range.Overlaps(range)) continue;
    RETURN_IF_ERROR(shard.damage);
    for (const FilePart& part : shard.parts->files) RETURN_IF_ERROR(counter.AddFile(part, series));
    for (const FrozenCache& frozen : shard.parts->frozen) {
      counter.AddCache(*frozen.cache, kAllRecords, series);
    }
    counter.AddCache(*shard.parts->active, shard.epoch, series);
  }
  return counter.cost();
}

}  // namespace varve::engine
