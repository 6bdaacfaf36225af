// Tells whether a series has any row left in a shard, without reading more than it must.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/parts.h"

namespace varve::engine {

// One thread at a time.
class RemainingRows {
 public:
  RemainingRows(std::shared_ptr<const Parts> parts, CacheEpoch epoch);

  // Exact. Index entries decide nearly always; times are decoded only where a deleted range begins
  // or ends inside a chunk and covers both of its ends. Cheapest in ascending order.
  // DATA_LOSS: a file that may hold the answer is damaged.
  absl::StatusOr<bool> Has(model::SeriesId series);

 private:
  absl::StatusOr<bool> InFile(size_t file, model::SeriesId series);
  bool InCache(const Cache& cache, CacheEpoch epoch, model::SeriesId series);
  void FindDeleted(model::SeriesId series, uint64_t sequence);
  bool IsDeleted(int64_t time) const;
  bool IsDeleted(const model::TimeRange& range) const;

  const std::shared_ptr<const Parts> parts_;
  const CacheEpoch epoch_;
  std::vector<std::unique_ptr<tsm::FileReader::Cursor>> cursors_;
  std::vector<model::TimeRange> deleted_;
  std::vector<int64_t> times_;
};

}  // namespace varve::engine
