// How a shard gives its settled files their rollups.
#include <algorithm>

#include "base/status.h"
#include "engine/shard.h"

namespace varve::engine {
namespace {

// A file of a lower level is merged into another one soon.
constexpr uint32_t kRollupLevelMin = 2;

bool WantsRollup(const FilePart& part) {
  const model::TimeRange& range = part.file.info.range;
  return part.reader != nullptr && (part.rollup == nullptr || part.rollup->damaged()) &&
         part.file.level >= kRollupLevelMin &&
         range.min_ns / tsm::kRollupSpanNs != range.max_ns / tsm::kRollupSpanNs;
}

}  // namespace

absl::StatusOr<bool> Shard::RollUp(uint64_t rows_per_hour_min, const Throttle& throttle) {
  // Merges of the shard wait, so that the file stays.
  absl::MutexLock compact_lock(&compact_mu_);
  if (cancel_compaction_) return base::Cancelled("shard is closing");
  const auto parts = parts_.Load();
  const auto found = std::find_if(parts->files.begin(), parts->files.end(), [&](const auto& part) {
    return WantsRollup(part) && !without_rollup_.contains(part.file.info.name);
  });
  if (found == parts->files.end()) return false;

  tsm::RollupOptions options;
  options.rows_per_hour_min = rows_per_hour_min;
  options.cancel = &cancel_compaction_;
  if (throttle) {
    options.throttle = [&](uint64_t bytes) { throttle(bytes, cancel_compaction_); };
  }
  const absl::Status built = tsm::BuildRollup(env_, folder_, *found->reader, options);
  // A damaged file stays as it is, and would be read in vain again and again.
  if (absl::IsDataLoss(built)) without_rollup_.insert(found->file.info.name);
  RETURN_IF_ERROR(built, "shard=", known_.shard);
  ASSIGN_OR_RETURN(std::shared_ptr<tsm::RollupReader> rollup,
                   tsm::RollupReader::Open(env_, folder_, *found->reader));
  absl::MutexLock lock(&mu_);
  ChangeParts([&](Parts& next) {
    for (FilePart& part : next.files) {
      if (part.reader == found->reader) part.rollup = rollup;
    }
  });
  return true;
}

}  // namespace varve::engine
