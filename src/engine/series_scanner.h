// Merges the sources of a view, shard by shard, into the rows of one series after another.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/damage_list.h"
#include "engine/parts.h"
#include "engine/read_view.h"
#include "engine/source_stream.h"
#include "model/column_batch.h"

namespace varve::engine {

// Shards are disjoint in time, so they follow each other. Within a shard the sources (files, frozen
// caches, the active cache) are merged by key; where two have a row at one time, each field takes
// the newest source's value. A stretch that only one source covers is handed out as it lies in the
// decoded block; a whole block that no other source overlaps, or an hour of a file's rollup, may be
// answered by its statistics.
class SeriesScanner : public Scanner {
 public:
  // `shards` ascend by time; they and `damage` live as long as the scanner through `owner`.
  SeriesScanner(std::shared_ptr<const void> owner, std::span<const ShardSnapshot> shards,
                const ScanOptions& options, DamageList& damage);

  absl::Status Seek(model::SeriesId series) override;
  absl::Status Next(ScanStep* step) override;
  const ScanCounters& counters() const override { return plan_.counters; }

 private:
  // Places for the cursors of a shard's files, made when first needed.
  struct ShardSources {
    const ShardSnapshot* snapshot = nullptr;
    std::vector<std::unique_ptr<tsm::FileReader::Cursor>> cursors;
    std::vector<std::unique_ptr<tsm::RollupReader::Cursor>> rollups;
  };
  // A row of the merged batch takes each field from the first of its sources that has it.
  struct Pick {
    uint32_t source = 0;
    uint32_t row = 0;
  };

  absl::Status Advance(ScanStep* step);
  absl::Status OpenShard(ShardSources& shard);
  absl::Status OpenFile(ShardSources& shard, size_t file);
  // Null when rollups are of no use to the scan, or the file has none.
  tsm::RollupReader::Cursor* RollupOf(ShardSources& shard, size_t file);
  void OpenCache(const ShardSnapshot& snapshot, const Cache& cache, CacheEpoch epoch);
  SourceStream& NextStream();
  void FindDeleted(const ShardSnapshot& snapshot, uint64_t sequence);
  // The source with the least head, and the least head of the others.
  size_t FirstSource(int64_t* next_head) const;
  void EmitSlice(SourceStream& source, size_t rows, ScanStep* step);
  // Merges row by row from sources that are loaded; false when the next row is in none of those.
  bool EmitMerged(ScanStep* step);

  const std::shared_ptr<const void> owner_;
  DamageList& damage_;
  ScanPlan plan_;
  std::vector<ShardSources> shards_;  // in scan order
  model::SeriesId series_ = model::kNoId;
  size_t next_shard_ = 0;
  std::vector<std::unique_ptr<SourceStream>> streams_;  // oldest first; the first open_ are in use
  size_t open_ = 0;
  std::vector<model::TimeRange> deleted_;
  std::vector<model::FieldId> fields_;  // those asked for, ascending, each once
  std::vector<WorkColumn> slices_;
  std::vector<int64_t> merged_times_;
  std::vector<uint32_t> merged_ends_;  // of each row's picks
  std::vector<Pick> picks_;
  std::vector<WorkColumn> merged_;
};

}  // namespace varve::engine
