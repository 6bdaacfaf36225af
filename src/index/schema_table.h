// The measurements and fields of one database, by name and by id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "index/bytes_table.h"
#include "model/types.h"

namespace varve::index {

// Thread safety: const methods may be called from many threads while none adds.
class SchemaTable {
 public:
  model::MeasurementId FindMeasurement(std::string_view name) const;
  model::MeasurementId AddMeasurement(std::string_view name);
  std::string_view MeasurementName(model::MeasurementId measurement) const {
    return measurements_.Get(measurement);
  }
  uint32_t measurement_count() const { return static_cast<uint32_t>(measurements_.size()); }

  model::FieldId FindField(model::MeasurementId measurement, std::string_view name) const;
  model::FieldId AddField(model::MeasurementId measurement, std::string_view name);
  std::string_view FieldName(model::FieldId field) const;
  model::MeasurementId MeasurementOfField(model::FieldId field) const;
  uint32_t field_count() const { return static_cast<uint32_t>(fields_.size()); }

  uint64_t memory_bytes() const { return measurements_.memory_bytes() + fields_.memory_bytes(); }

 private:
  BytesTable measurements_;  // ids are the table's
  BytesTable fields_;        // the same; 4 bytes of measurement id before the name
};

}  // namespace varve::index
