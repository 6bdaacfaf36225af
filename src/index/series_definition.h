// What a DefinitionSink is given: the bytes that define series or fields, one behind the other.
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

  void AppendTo(std::string* out) const;
  // Takes the first definition off `bytes`.
  static absl::StatusOr<SeriesDefinition> TakeFrom(std::string_view* bytes);
};

}  // namespace varve::index
