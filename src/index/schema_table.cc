#include "index/schema_table.h"

#include <cstring>

#include "base/coding.h"

namespace varve::index {
namespace {

static_assert(BytesTable::kNone == model::kNoId);

// The bytes a field goes by: its measurement's id, then its name. Short names stay on the stack.
class FieldKey {
 public:
  FieldKey(model::MeasurementId measurement, std::string_view name) {
    char* at = small_;
    if (name.size() + sizeof(measurement) > sizeof(small_)) {
      large_.resize(name.size() + sizeof(measurement));
      at = large_.data();
    }
    std::memcpy(at, &measurement, sizeof(measurement));
    if (!name.empty()) std::memcpy(at + sizeof(measurement), name.data(), name.size());
    bytes_ = {at, name.size() + sizeof(measurement)};
  }
  FieldKey(const FieldKey&) = delete;
  FieldKey& operator=(const FieldKey&) = delete;
  std::string_view bytes() const { return bytes_; }

 private:
  char small_[128];
  std::string large_;
  std::string_view bytes_;
};

}  // namespace

model::MeasurementId SchemaTable::FindMeasurement(std::string_view name) const {
  return measurements_.Find(name);
}

model::MeasurementId SchemaTable::AddMeasurement(std::string_view name) {
  return measurements_.Add(name, BytesTable::Hash(name));
}

model::FieldId SchemaTable::FindField(model::MeasurementId measurement,
                                      std::string_view name) const {
  return fields_.Find(FieldKey(measurement, name).bytes());
}

model::FieldId SchemaTable::AddField(model::MeasurementId measurement, std::string_view name) {
  const FieldKey key(measurement, name);
  return fields_.Add(key.bytes(), BytesTable::Hash(key.bytes()));
}

std::string_view SchemaTable::FieldName(model::FieldId field) const {
  return fields_.Get(field).substr(sizeof(model::MeasurementId));
}

model::MeasurementId SchemaTable::MeasurementOfField(model::FieldId field) const {
  return base::LoadFixed<model::MeasurementId>(fields_.Get(field).data());
}

}  // namespace varve::index
