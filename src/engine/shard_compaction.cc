// How a shard merges files: the plan is made elsewhere.
#include <algorithm>

#include "base/status.h"
#include "engine/shard.h"
#include "tsm/merge.h"

namespace varve::engine {
namespace {

bool AppliesTo(const tsm::Tombstone& tombstone, const tsm::ManifestFile& file) {
  if (tombstone.sequence < file.sequence || !tombstone.range.Overlaps(file.info.range)) {
    return false;
  }
  const auto& series = *tombstone.series;
  const auto at = std::lower_bound(series.begin(), series.end(), file.info.min_series);
  return at != series.end() && *at <= file.info.max_series;
}

// True when some file or frozen cache other than the merged inputs may hold rows it covers.
bool IsNeeded(const tsm::Tombstone& tombstone, const Parts& parts, const CompactionPlan& plan) {
  for (const auto& part : parts.files) {
    const bool is_input =
        std::binary_search(plan.sequences.begin(), plan.sequences.end(), part.file.sequence);
    if (!is_input && AppliesTo(tombstone, part.file)) return true;
  }
  return std::any_of(parts.frozen.begin(), parts.frozen.end(), [&](const FrozenCache& frozen) {
    return frozen.cache->sequence() <= tombstone.sequence;
  });
}

bool SameTombstone(const tsm::Tombstone& a, const tsm::Tombstone& b) {
  return a.sequence == b.sequence && a.range == b.range && a.series == b.series;
}

}  // namespace

std::vector<CompactionFile> Shard::CompactionFiles() const {
  const auto parts = parts_.Load();
  std::vector<CompactionFile> files;
  for (const auto& part : parts->files) {
    CompactionFile file;
    file.sequence = part.file.sequence;
    file.bytes = part.file.info.bytes;
    file.level = part.file.level;
    file.damaged = part.reader == nullptr;
    file.has_tombstones =
        std::any_of(parts->tombstones.begin(), parts->tombstones.end(),
                    [&](const tsm::Tombstone& t) { return AppliesTo(t, part.file); });
    files.push_back(file);
  }
  return files;
}

absl::StatusOr<uint64_t> Shard::Compact(const CompactionPlan& plan, const Throttle& throttle) {
  absl::MutexLock compact_lock(&compact_mu_);
  if (cancel_compaction_) return base::Cancelled("shard is closing");
  // The tombstones of this moment are applied; those that come later stay in force, because the
  // output takes the age of the newest input.
  const auto parts = parts_.Load();
  std::vector<tsm::MergeInput> inputs;
  for (const auto& part : parts->files) {
    if (!std::binary_search(plan.sequences.begin(), plan.sequences.end(), part.file.sequence)) {
      continue;
    }
    if (part.reader == nullptr) return part.damage;
    inputs.push_back({part.reader, part.file.sequence});
  }
  if (inputs.size() != plan.sequences.size()) return 0;  // overtaken by another one

  tsm::MergeOptions options;
  options.writer.cold = plan.cold;
  options.file_bytes_max = ~uint64_t{0};  // one output: it has one place in the order of age
  if (throttle) {
    options.throttle = [&](uint64_t bytes) { throttle(bytes, cancel_compaction_); };
  }
  options.cancel = &cancel_compaction_;
  options.next_name = [this] { return NextFileName(); };
  ASSIGN_OR_RETURN(const auto infos,
                   tsm::MergeFiles(env_, folder_, inputs, parts->tombstones, options),
                   "shard=", known_.shard);
  std::shared_ptr<tsm::FileReader> reader;
  if (!infos.empty()) {
    CHECK_EQ(infos.size(), size_t{1});
    ASSIGN_OR_RETURN(reader, tsm::FileReader::Open(env_, folder_, infos.front()));
  }
  RETURN_IF_ERROR(InstallCompaction(plan, *parts, std::move(reader)));
  return infos.empty() ? 0 : infos.front().bytes;
}

absl::Status Shard::InstallCompaction(const CompactionPlan& plan, const Parts& merged,
                                      std::shared_ptr<tsm::FileReader> reader) {
  absl::MutexLock manifest_lock(&manifest_mu_);
  const auto change = [&](Parts& parts) {
    std::erase_if(parts.tombstones, [&](const tsm::Tombstone& tombstone) {
      const bool applied =
          std::any_of(merged.tombstones.begin(), merged.tombstones.end(),
                      [&](const tsm::Tombstone& other) { return SameTombstone(tombstone, other); });
      return applied && !IsNeeded(tombstone, parts, plan);
    });
    std::erase_if(parts.files, [&](const FilePart& part) {
      return std::binary_search(plan.sequences.begin(), plan.sequences.end(), part.file.sequence);
    });
    if (reader == nullptr) return;
    FilePart part;
    part.file = {reader->info(), plan.level, plan.sequences.back()};
    part.reader = reader;
    const auto at = std::find_if(parts.files.begin(), parts.files.end(), [&](const FilePart& p) {
      return p.file.sequence > part.file.sequence;
    });
    parts.files.insert(at, std::move(part));
  };
  tsm::Manifest manifest;
  Parts next;
  {
    absl::MutexLock lock(&mu_);
    next = *parts_.Load();
    change(next);
    manifest = MakeManifest(next);
  }
  RETURN_IF_ERROR(tsm::SaveManifest(env_, folder_, manifest));
  {
    absl::MutexLock lock(&mu_);
    ChangeParts(change);
  }
  // Views keep their files open; a file that stays behind is removed at the next open.
  for (const auto& part : merged.files) {
    if (std::binary_search(plan.sequences.begin(), plan.sequences.end(), part.file.sequence)) {
      env_.RemoveFile(base::JoinPath(folder_, part.file.info.name)).IgnoreError();
      if (part.rollup == nullptr) continue;
      env_.RemoveFile(base::JoinPath(folder_, tsm::RollupName(part.file.info.name))).IgnoreError();
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::engine
