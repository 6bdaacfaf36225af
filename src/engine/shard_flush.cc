// How a shard turns its oldest frozen cache into a file.
#include <algorithm>

#include "base/status.h"
#include "engine/cache_rows.h"
#include "engine/shard.h"

namespace varve::engine {
namespace {

// Hands the rows of one cache to a file writer, series by series.
class CacheWriter {
 public:
  explicit CacheWriter(tsm::FileWriter& writer) : writer_(writer) {}

  absl::Status Write(model::SeriesId id, const CacheSeries& series) {
    if (!rows_.Open(series, kAllRecords)) return absl::OkStatus();
    rows_.Fields(&fields_);
    ids_.clear();
    for (const auto& field : fields_) ids_.push_back(field.field);
    for (size_t piece = 0; piece < rows_.pieces().size(); ++piece) {
      rows_.Load(piece, fields_, &columns_, &batch_);
      RETURN_IF_ERROR(writer_.Add(id, ids_, batch_));
    }
    return absl::OkStatus();
  }

 private:
  tsm::FileWriter& writer_;
  CacheRows rows_;
  std::vector<FieldRequest> fields_;
  std::vector<model::FieldId> ids_;
  CacheColumns columns_;
  model::ColumnBatch batch_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<tsm::FileReader>> Shard::WriteCache(const Cache& cache) {
  ASSIGN_OR_RETURN(auto writer, tsm::FileWriter::Create(env_, folder_, NextFileName(), {}));
  CacheWriter rows(*writer);
  absl::Status status;
  cache.ForEachSeries([&](model::SeriesId id, const CacheSeries& series) {
    if (status.ok()) status = rows.Write(id, series);
  });
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(const tsm::FileInfo info, writer->Finish());
  return tsm::FileReader::Open(env_, folder_, info);
}

absl::StatusOr<std::optional<uint64_t>> Shard::FlushOldest() {
  absl::MutexLock flush_lock(&flush_mu_);
  const auto parts = parts_.Load();
  if (parts->frozen.empty() || retired_) return std::nullopt;
  RETURN_IF_ERROR(unreadable_);
  const FrozenCache& frozen = parts->frozen.front();
  std::shared_ptr<tsm::FileReader> reader;
  if (!frozen.cache->empty()) {
    ASSIGN_OR_RETURN(reader, WriteCache(*frozen.cache), "shard=", known_.shard);
  }
  const uint64_t bytes = reader == nullptr ? 0 : reader->info().bytes;
  // Ids and index first: once the manifest says so, the log is not needed for them either.
  RETURN_IF_ERROR(table_.Flush());
  RETURN_IF_ERROR(index_->Flush());
  RETURN_IF_ERROR(InstallFlush(frozen, std::move(reader)), "shard=", known_.shard);
  return bytes;
}

absl::Status Shard::InstallFlush(const FrozenCache& frozen,
                                 std::shared_ptr<tsm::FileReader> reader) {
  absl::MutexLock manifest_lock(&manifest_mu_);
  FilePart part;
  if (reader != nullptr) {
    part.file = {reader->info(), /*level=*/0, frozen.cache->sequence()};
    part.reader = std::move(reader);
  }
  tsm::Manifest manifest;
  {
    absl::MutexLock lock(&mu_);
    manifest = MakeManifest(*parts_.Load());
  }
  if (part.reader != nullptr) manifest.files.push_back(part.file);
  manifest.flushed_lsn = std::max(manifest.flushed_lsn, frozen.last_lsn);
  RETURN_IF_ERROR(tsm::SaveManifest(env_, folder_, manifest));

  absl::MutexLock lock(&mu_);
  flushed_lsn_ = manifest.flushed_lsn;
  ChangeParts([&](Parts& next) {
    if (part.reader != nullptr) next.files.push_back(std::move(part));
    next.frozen.erase(next.frozen.begin());
  });
  return absl::OkStatus();
}

}  // namespace varve::engine
