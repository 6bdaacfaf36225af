#include "engine/compaction_plan.h"

#include <algorithm>

namespace varve::engine {
namespace {

struct Run {
  size_t first = 0;
  size_t count = 0;
};

CompactionPlan PlanOf(std::span<const CompactionFile> files, uint32_t level, bool cold) {
  CompactionPlan plan;
  for (const auto& file : files) plan.sequences.push_back(file.sequence);
  plan.level = level;
  plan.cold = cold;
  return plan;
}

// The longest prefix of `files` that one merge may take.
size_t Fitting(std::span<const CompactionFile> files, size_t files_max, uint64_t bytes_max) {
  uint64_t bytes = 0;
  size_t count = 0;
  while (count < files.size() && count < files_max) {
    if (files[count].damaged || bytes + files[count].bytes > bytes_max) break;
    bytes += files[count].bytes;
    ++count;
  }
  return count;
}

std::optional<CompactionPlan> PlanFull(std::span<const CompactionFile> files,
                                       const CompactionOptions& options) {
  for (size_t first = 0; first < files.size();) {
    const size_t count = Fitting(files.subspan(first), files.size(), options.cold_bytes_max);
    if (count > 1) return PlanOf(files.subspan(first, count), kColdLevel, true);
    if (count == 1 && (files[first].level != kColdLevel || files[first].has_tombstones)) {
      return PlanOf(files.subspan(first, 1), kColdLevel, true);
    }
    first += std::max<size_t>(count, 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<CompactionPlan> PlanCompaction(std::span<const CompactionFile> files,
                                             const CompactionOptions& options) {
  if (options.full) return PlanFull(files, options);
  // The lowest level first: its files are the smallest and the most. A file of a lower level among
  // older ones of this level (left by an interrupted round) goes with them.
  std::optional<CompactionPlan> best;
  for (size_t first = 0; first < files.size(); ++first) {
    const uint32_t level = files[first].level;
    if (level == kColdLevel || (best && best->level <= level + 1)) continue;
    size_t end = first;
    while (end < files.size() && files[end].level <= level) ++end;
    const size_t count =
        Fitting(files.subspan(first, end - first), options.files_max, options.bytes_max);
    const auto own = std::count_if(files.begin() + static_cast<ptrdiff_t>(first),
                                   files.begin() + static_cast<ptrdiff_t>(first + count),
                                   [level](const auto& file) { return file.level == level; });
    if (static_cast<size_t>(own) < options.files_min) continue;
    best = PlanOf(files.subspan(first, count), level + 1, false);
  }
  return best;
}

}  // namespace varve::engine
