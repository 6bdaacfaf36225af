#include "retention/progress.h"

#include "base/coding.h"
#include "base/status.h"

namespace varve::retention {
namespace {

bool ReadOne(base::ByteReader& reader, ProgressMap* progress) {
  uint64_t database = 0;
  uint64_t spans = 0;
  std::string_view name;
  uint8_t has_run = 0;
  QueryProgress one;
  if (!reader.GetVarint(&database) || !reader.GetString(&name) ||
      !reader.GetFixed(&one.text_checksum) || !reader.GetFixed(&has_run)) {
    return false;
  }
  if (has_run > 1) return false;
  if (has_run == 1 && !reader.GetFixed(&one.last_run.emplace())) return false;
  if (!reader.GetVarint(&spans)) return false;
  for (uint64_t i = 0; i < spans; ++i) {
    Span span;
    if (!reader.GetFixed(&span.start_ns) || !reader.GetFixed(&span.end_ns)) return false;
    if (span.start_ns >= span.end_ns) return false;
    one.pending.Add(span);
  }
  (*progress)[{static_cast<model::DatabaseId>(database), std::string(name)}] = std::move(one);
  return true;
}

}  // namespace

std::string EncodeProgress(const ProgressMap& progress) {
  std::string body;
  base::PutVarint(body, progress.size());
  for (const auto& [key, one] : progress) {
    base::PutVarint(body, key.first);
    base::PutString(body, key.second);
    base::PutFixed(body, one.text_checksum);
    base::PutFixed<uint8_t>(body, one.last_run.has_value() ? 1 : 0);
    if (one.last_run.has_value()) base::PutFixed(body, *one.last_run);
    base::PutVarint(body, one.pending.spans().size());
    for (const Span& span : one.pending.spans()) {
      base::PutFixed(body, span.start_ns);
      base::PutFixed(body, span.end_ns);
    }
  }
  return body;
}

absl::StatusOr<ProgressMap> DecodeProgress(std::string_view body) {
  ProgressMap progress;
  if (body.empty()) return progress;
  base::ByteReader reader(body);
  uint64_t count = 0;
  bool good = reader.GetVarint(&count);
  for (uint64_t i = 0; good && i < count; ++i) good = ReadOne(reader, &progress);
  if (!good || reader.remaining() != 0) {
    return base::DataLoss("progress of continuous queries is malformed: offset=", reader.offset());
  }
  return progress;
}

}  // namespace varve::retention
