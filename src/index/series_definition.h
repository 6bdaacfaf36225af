// What a DefinitionSink is given: the bytes that define one series or one field.
// Bytes: docs/format.md, "Series segment" ("Definitions").
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/types.h"

namespace varve::index {

struct SeriesDefinition {
  enum class Kind : uint8_t { kSeries = 1, kField = 2 };  // written to disk
  Kind kind = Kind::kSeries;
  uint32_t id = 0;  // a SeriesId or a FieldId
  model::MeasurementId measurement = 0;
  std::string_view text;  // canonical key bytes; or the field's name. Borrowed.

  std::string Encode() const;
  static absl::StatusOr<SeriesDefinition> Decode(std::string_view bytes);
};

}  // namespace varve::index
