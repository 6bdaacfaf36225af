#include "tsm/manifest.h"

#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::tsm {
namespace {

constexpr std::string_view kMagic = "VMAN";
constexpr uint16_t kVersion = 1;
constexpr size_t kHeaderBytes = 8;
constexpr size_t kChecksumBytes = 8;
constexpr std::string_view kFileName = "MANIFEST";

void PutFile(std::string& out, const ManifestFile& file) {
  base::PutString(out, file.info.name);
  base::PutVarint(out, file.info.bytes);
  base::PutVarint(out, file.info.chunks);
  base::PutVarint(out, file.info.values);
  base::PutSignedVarint(out, file.info.range.min_ns);
  base::PutSignedVarint(out, file.info.range.max_ns);
  base::PutVarint(out, file.info.min_series);
  base::PutVarint(out, file.info.max_series);
  base::PutVarint(out, file.level);
  base::PutVarint(out, file.sequence);
}

bool GetFile(base::ByteReader& in, ManifestFile* file) {
  std::string_view name;
  if (!in.GetString(&name)) return false;
  file->info.name = name;
  return in.GetVarint(&file->info.bytes) && in.GetVarint(&file->info.chunks) &&
         in.GetVarint(&file->info.values) && in.GetSignedVarint(&file->info.range.min_ns) &&
         in.GetSignedVarint(&file->info.range.max_ns) && in.GetVarintAs(&file->info.min_series) &&
         in.GetVarintAs(&file->info.max_series) && in.GetVarintAs(&file->level) &&
         in.GetVarint(&file->sequence);
}

void PutTombstone(std::string& out, const Tombstone& tombstone) {
  base::PutVarint(out, tombstone.sequence);
  base::PutSignedVarint(out, tombstone.range.min_ns);
  base::PutSignedVarint(out, tombstone.range.max_ns);
  const size_t count = tombstone.series == nullptr ? 0 : tombstone.series->size();
  base::PutVarint(out, count);
  // Runs of neighbouring ids, which a deleted measurement has, cost two bytes whatever their
  // length.
  for (size_t i = 0; i < count;) {
    const auto& ids = *tombstone.series;
    size_t end = i + 1;
    while (end < count && ids[end] == ids[end - 1] + 1) ++end;
    base::PutVarint(out, ids[i] - (i == 0 ? 0 : ids[i - 1]));
    base::PutVarint(out, end - i - 1);
    i = end;
  }
}

bool GetTombstone(base::ByteReader& in, Tombstone* tombstone) {
  uint64_t count;
  if (!in.GetVarint(&tombstone->sequence) || !in.GetSignedVarint(&tombstone->range.min_ns) ||
      !in.GetSignedVarint(&tombstone->range.max_ns) || !in.GetVarint(&count) ||
      count > uint64_t{model::kNoId}) {
    return false;
  }
  auto ids = std::make_shared<std::vector<model::SeriesId>>();
  while (ids->size() < count) {
    uint64_t step;
    uint64_t more;
    if (!in.GetVarint(&step) || !in.GetVarint(&more) || more >= count - ids->size()) return false;
    if (!ids->empty() && step == 0) return false;
    const uint64_t previous = ids->empty() ? 0 : ids->back();
    if (step > model::kNoId || previous + step + more > model::kNoId) return false;
    for (uint64_t i = 0; i <= more; ++i) {
      ids->push_back(static_cast<model::SeriesId>(previous + step + i));
    }
  }
  tombstone->series = std::move(ids);
  return true;
}

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed manifest: offset=", kHeaderBytes + in.offset());
}

}  // namespace

std::string Manifest::Encode() const {
  std::string out;
  out.append(kMagic);
  base::PutFixed<uint16_t>(out, kVersion);
  base::PutFixed<uint16_t>(out, 0);
  base::PutVarint(out, flushed_lsn);
  base::PutVarint(out, next_sequence);
  base::PutVarint(out, files.size());
  for (const ManifestFile& file : files) PutFile(out, file);
  base::PutVarint(out, tombstones.size());
  for (const Tombstone& tombstone : tombstones) PutTombstone(out, tombstone);
  base::PutFixed(out, base::Checksum(out));
  return out;
}

absl::StatusOr<Manifest> Manifest::Decode(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return base::DataLoss("manifest too short: bytes=", bytes.size());
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return base::DataLoss("wrong manifest magic: offset=0");
  }
  const size_t body_end = bytes.size() - kChecksumBytes;
  // The place of the magic, version, flags and checksum is the same in every version, so that
  // damage is told from a newer format.
  if (base::LoadFixed<uint64_t>(bytes.data() + body_end) !=
      base::Checksum(bytes.substr(0, body_end))) {
    return base::DataLoss("wrong manifest checksum: offset=", body_end);
  }
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(bytes.data() + 6);
  if (version > kVersion) {
    return base::FailedPrecondition("manifest of a newer format: version=", version);
  }
  if (version != kVersion) return base::DataLoss("manifest version 0: offset=4");
  if (flags != 0) return base::FailedPrecondition("unknown manifest flags: flags=", flags);

  Manifest manifest;
  base::ByteReader in(bytes.substr(kHeaderBytes, body_end - kHeaderBytes));
  uint64_t count;
  if (!in.GetVarint(&manifest.flushed_lsn) || !in.GetVarint(&manifest.next_sequence) ||
      !in.GetVarint(&count)) {
    return Malformed(in);
  }
  for (uint64_t i = 0; i < count; ++i) {
    ManifestFile file;
    if (!GetFile(in, &file)) return Malformed(in);
    if (i > 0 && file.sequence <= manifest.files.back().sequence) return Malformed(in);
    manifest.files.push_back(std::move(file));
  }
  if (!in.GetVarint(&count)) return Malformed(in);
  for (uint64_t i = 0; i < count; ++i) {
    Tombstone tombstone;
    if (!GetTombstone(in, &tombstone)) return Malformed(in);
    manifest.tombstones.push_back(std::move(tombstone));
  }
  if (in.remaining() != 0) return Malformed(in);
  return manifest;
}

absl::Status SaveManifest(base::Env& env, const std::string& folder, const Manifest& manifest) {
  return base::WriteFileAtomically(env, base::JoinPath(folder, kFileName), manifest.Encode());
}

absl::StatusOr<Manifest> LoadManifest(base::Env& env, const std::string& folder) {
  const std::string path = base::JoinPath(folder, kFileName);
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, path));
  absl::StatusOr<Manifest> manifest = Manifest::Decode(bytes);
  if (!manifest.ok()) return base::Annotate(manifest.status(), "file=", path);
  return manifest;
}

}  // namespace varve::tsm
