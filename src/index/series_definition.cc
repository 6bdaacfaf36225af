#include "index/series_definition.h"

#include "base/coding.h"
#include "base/status.h"
#include "index/bytes_table.h"

namespace varve::index {

void SeriesDefinition::AppendTo(std::string* out) const {
  out->push_back(static_cast<char>(kind));
  base::PutVarint(*out, id);
  base::PutVarint(*out, measurement);
  base::PutString(*out, text);
}

absl::StatusOr<SeriesDefinition> SeriesDefinition::TakeFrom(std::string_view* bytes) {
  SeriesDefinition definition;
  base::ByteReader reader(*bytes);
  uint8_t kind;
  if (!reader.GetFixed(&kind) || kind < 1 || kind > 2 || !reader.GetVarintAs(&definition.id) ||
      !reader.GetVarintAs(&definition.measurement) || !reader.GetString(&definition.text) ||
      definition.id == model::kNoId || definition.measurement == model::kNoId ||
      definition.text.size() + sizeof(uint32_t) > BytesTable::kBytesMax) {
    return base::DataLoss("malformed series definition in ", bytes->size(), " bytes");
  }
  definition.kind = static_cast<Kind>(kind);
  bytes->remove_prefix(reader.offset());
  return definition;
}

}  // namespace varve::index
