#include "engine/records.h"

#include "base/coding.h"
#include "base/status.h"

namespace varve::engine {
namespace {

using base::ByteReader;

void PutSeries(std::string& out, const std::vector<model::SeriesId>& series) {
  base::PutVarint(out, series.size());
  model::SeriesId last = 0;
  for (model::SeriesId id : series) {
    base::PutVarint(out, id - last);
    last = id;
  }
}

bool GetSeries(ByteReader& reader, std::vector<model::SeriesId>* series) {
  uint64_t count;
  if (!reader.GetVarint(&count) || count > reader.remaining()) return false;
  series->resize(count);
  uint64_t last = 0;
  for (auto& id : *series) {
    uint64_t delta;
    if (!reader.GetVarint(&delta) || delta > model::kNoId - last) return false;
    last += delta;
    id = static_cast<model::SeriesId>(last);
  }
  return true;
}

absl::Status Malformed(std::string_view what, const ByteReader& reader) {
  return base::DataLoss("malformed ", what, " record at byte ", reader.offset());
}

}  // namespace

std::string DefinitionsRecord::Encode() const {
  std::string out;
  base::PutVarint(out, database);
  out.append(definitions);
  return out;
}

absl::StatusOr<DefinitionsRecord> DefinitionsRecord::Decode(std::string_view payload) {
  ByteReader reader(payload);
  DefinitionsRecord record;
  if (!reader.GetVarintAs(&record.database)) return Malformed("definitions", reader);
  record.definitions = payload.substr(reader.offset());
  return record;
}

std::string DeleteRecord::Encode() const {
  std::string out;
  base::PutVarint(out, database);
  out.push_back(static_cast<char>((drop_series ? 1 : 0) | (drop_fields ? 2 : 0)));
  base::PutSignedVarint(out, range.min_ns);
  base::PutSignedVarint(out, range.max_ns);
  base::PutVarint(out, shards.size());
  for (const auto& shard : shards) {
    base::PutVarint(out, shard.shard);
    PutSeries(out, shard.series);
  }
  return out;
}

absl::StatusOr<DeleteRecord> DeleteRecord::Decode(std::string_view payload) {
  ByteReader reader(payload);
  DeleteRecord record;
  uint8_t flags;
  uint64_t shards;
  if (!reader.GetVarintAs(&record.database) || !reader.GetFixed(&flags) || flags > 3 ||
      !reader.GetSignedVarint(&record.range.min_ns) ||
      !reader.GetSignedVarint(&record.range.max_ns) || !reader.GetVarint(&shards) ||
      shards > reader.remaining()) {
    return Malformed("delete", reader);
  }
  record.drop_series = (flags & 1) != 0;
  record.drop_fields = (flags & 2) != 0;
  record.shards.resize(shards);
  for (auto& shard : record.shards) {
    if (!reader.GetVarint(&shard.shard) || !GetSeries(reader, &shard.series)) {
      return Malformed("delete", reader);
    }
  }
  return record;
}

std::string RemoveSeriesRecord::Encode() const {
  std::string out;
  base::PutVarint(out, database);
  base::PutVarint(out, shard);
  base::PutVarint(out, delete_lsn);
  PutSeries(out, series);
  return out;
}

absl::StatusOr<RemoveSeriesRecord> RemoveSeriesRecord::Decode(std::string_view payload) {
  ByteReader reader(payload);
  RemoveSeriesRecord record;
  if (!reader.GetVarintAs(&record.database) || !reader.GetVarint(&record.shard) ||
      !reader.GetVarint(&record.delete_lsn) || !GetSeries(reader, &record.series)) {
    return Malformed("remove-series", reader);
  }
  return record;
}

std::string SchemaRecord::Encode() const {
  std::string out;
  base::PutVarint(out, database);
  base::PutVarint(out, shard);
  PutSeries(out, series);
  base::PutVarint(out, fields.size());
  for (const auto& field : fields) {
    base::PutVarint(out, field.field);
    out.push_back(static_cast<char>(field.type));
  }
  return out;
}

absl::StatusOr<SchemaRecord> SchemaRecord::Decode(std::string_view payload) {
  ByteReader reader(payload);
  SchemaRecord record;
  uint64_t fields;
  if (!reader.GetVarintAs(&record.database) || !reader.GetVarint(&record.shard) ||
      !GetSeries(reader, &record.series) || !reader.GetVarint(&fields) ||
      fields > reader.remaining()) {
    return Malformed("schema", reader);
  }
  record.fields.resize(fields);
  for (auto& field : record.fields) {
    uint8_t type;
    if (!reader.GetVarintAs(&field.field) || !reader.GetFixed(&type) || type < 1 || type > 5) {
      return Malformed("schema", reader);
    }
    field.type = static_cast<model::FieldType>(type);
  }
  return record;
}

}  // namespace varve::engine
