#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/status.h"
#include "index/shard_index_impl.h"

namespace varve::index {

using model::FieldId;
using model::FieldType;

FieldType FieldTypes::Reserve(FieldId field, FieldType type) {
  return entries_.try_emplace(field, Entry{.type = type, .visible = false}).first->second.type;
}

FieldType FieldTypes::Find(FieldId field) const {
  const auto at = entries_.find(field);
  return at == entries_.end() ? FieldType::kNone : at->second.type;
}

bool FieldTypes::IsVisible(FieldId field, FieldType type) const {
  const auto at = entries_.find(field);
  return at != entries_.end() && at->second.visible && at->second.type == type;
}

bool FieldTypes::Add(FieldId field, FieldType type) {
  Entry& entry = entries_[field];
  const bool changed = !entry.visible || entry.type != type;
  entry = {.type = type, .visible = true};
  return changed;
}

bool FieldTypes::Remove(FieldId field) {
  const auto at = entries_.find(field);
  if (at == entries_.end()) return false;
  const bool was_visible = at->second.visible;
  entries_.erase(at);
  return was_visible;
}

template <typename Visit>
void FieldTypes::ForEach(const Visit& visit) const {
  std::vector<std::pair<FieldId, FieldType>> visible;
  for (const auto& [field, entry] : entries_) {
    if (entry.visible) visible.emplace_back(field, entry.type);
  }
  std::sort(visible.begin(), visible.end());
  for (const auto& [field, type] : visible) visit(field, type);
}

std::vector<FieldId> FieldTypes::All() const {
  std::vector<FieldId> fields;
  for (const auto& [field, entry] : entries_) fields.push_back(field);
  return fields;
}

std::shared_ptr<const FieldsByMeasurement> FieldTypes::Snapshot(const SeriesTable& table) const {
  auto snapshot = std::make_shared<FieldsByMeasurement>();
  ForEach([&](FieldId field, FieldType type) {
    (*snapshot)[table.MeasurementOfField(field)].push_back(
        {.field = field, .name = table.FieldName(field), .type = type});
  });
  for (auto& [measurement, fields] : *snapshot) {
    std::sort(fields.begin(), fields.end(),
              [](const FieldInfo& a, const FieldInfo& b) { return a.name < b.name; });
  }
  return snapshot;
}

std::string FieldTypes::Encode() const {
  std::string body;
  uint64_t count = 0;
  ForEach([&](FieldId field, FieldType type) {
    base::PutVarint(body, field);
    body.push_back(static_cast<char>(type));
    ++count;
  });
  std::string out;
  base::PutVarint(out, count);
  return out + body;
}

absl::StatusOr<FieldTypes> FieldTypes::Decode(std::string_view bytes) {
  FieldTypes types;
  base::ByteReader reader(bytes);
  uint64_t count;
  if (!reader.GetVarint(&count)) return base::DataLoss("malformed field types");
  for (uint64_t i = 0; i < count; ++i) {
    FieldId field;
    uint8_t type;
    if (!reader.GetVarintAs(&field) || !reader.GetFixed(&type) || type < 1 ||
        type > static_cast<uint8_t>(FieldType::kString)) {
      return base::DataLoss("malformed field types");
    }
    types.Add(field, static_cast<FieldType>(type));
  }
  if (reader.remaining() != 0) return base::DataLoss("malformed field types");
  return types;
}

}  // namespace varve::index
