#include "query/scan_parts.h"

#include <algorithm>

namespace varve::query {
namespace {

// Each takes a pass over the series.
constexpr size_t kPartsMax = 8;

}  // namespace

std::vector<model::TimeRange> ScanParts(const GroupedSources& grouped, const Windows& windows,
                                        const model::TimeRange& range, bool ascending) {
  std::vector<int64_t> starts;  // of parts, but the first
  if (!windows.interval().zero()) {
    for (const auto& source : grouped.sources) {
      for (const model::TimeRange& shard : source->shards()) {
        if (!range.Contains(shard.min_ns)) continue;
        const int64_t start = windows.At(shard.min_ns).start_ns;
        if (start > range.min_ns) starts.push_back(start);
      }
    }
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  const size_t count = std::min(starts.size() + 1, kPartsMax);
  std::vector<model::TimeRange> parts;
  int64_t begin = range.min_ns;
  for (size_t i = 1; i < count; ++i) {
    const int64_t next = starts[i * (starts.size() + 1) / count - 1];
    parts.push_back({begin, next - 1});
    begin = next;
  }
  parts.push_back({begin, range.max_ns});
  if (!ascending) std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace varve::query
