#include "index/series_definition.h"

#include "base/coding.h"
#include "base/status.h"
#include "index/bytes_table.h"

namespace varve::index {

std::string SeriesDefinition::Encode() const {
  std::string out;
  out.reserve(text.size() + 16);
  out.push_back(static_cast<char>(kind));
  base::PutVarint(out, id);
  base::PutVarint(out, measurement);
  base::PutString(out, text);
  return out;
}

absl::StatusOr<SeriesDefinition> SeriesDefinition::Decode(std::string_view bytes) {
  SeriesDefinition definition;
  base::ByteReader reader(bytes);
  uint8_t kind;
  if (!reader.GetFixed(&kind) || kind < 1 || kind > 2 || !reader.GetVarintAs(&definition.id) ||
      !reader.GetVarintAs(&definition.measurement) || !reader.GetString(&definition.text) ||
      reader.remaining() != 0 || definition.id == model::kNoId ||
      definition.measurement == model::kNoId ||
      definition.text.size() + sizeof(uint32_t) > BytesTable::kBytesMax) {
    return base::DataLoss("malformed series definition of ", bytes.size(), " bytes");
  }
  definition.kind = static_cast<Kind>(kind);
  return definition;
}

}  // namespace varve::index
