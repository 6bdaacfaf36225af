#include "engine/layout_table.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/status.h"

namespace varve::engine {
namespace {

uint64_t HashOf(model::MeasurementId measurement, std::span<const model::LineField> line) {
  uint64_t hash = measurement;
  for (const auto& field : line) {
    hash = (hash ^ base::Checksum(field.raw_name)) * 0x9e3779b97f4a7c15u +
           static_cast<uint64_t>(field.value.type());
  }
  return hash;
}

void ChooseStored(LineLayout* layout) {
  for (uint32_t i = 0; i < layout->raw.size(); ++i) {
    const auto& raw = layout->raw[i];
    if (raw.field == model::kNoId) continue;
    const auto same = [&](const model::LayoutField& f) { return f.field == raw.field; };
    const auto at = std::find_if(layout->fields.begin(), layout->fields.end(), same);
    if (at == layout->fields.end()) {
      layout->fields.push_back({raw.field, raw.type});
      layout->sources.push_back(i);
    } else {
      at->type = raw.type;
      layout->sources[static_cast<size_t>(at - layout->fields.begin())] = i;
    }
  }
  layout->is_identity = layout->fields.size() == layout->raw.size();
}

}  // namespace

const LineLayout* LayoutTable::FindLocked(uint64_t hash, model::MeasurementId measurement,
                                          std::span<const model::LineField> line) const {
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return nullptr;
  for (uint32_t id : found->second) {
    const LineLayout& layout = Get(id);
    if (layout.measurement == measurement && layout.Describes(line)) return &layout;
  }
  return nullptr;
}

absl::StatusOr<const LineLayout*> LayoutTable::Find(model::MeasurementId measurement,
                                                    std::span<const model::LineField> line,
                                                    const FieldResolver& resolve) {
  const uint64_t hash = HashOf(measurement, line);
  {
    absl::ReaderMutexLock lock(&mu_);
    if (const LineLayout* found = FindLocked(hash, measurement, line)) return found;
  }
  auto made = std::make_unique<LineLayout>();
  made->measurement = measurement;
  for (const auto& field : line) {
    const std::string name = model::UnescapeFieldName(field.raw_name);
    model::FieldId id = model::kNoId;
    if (name != "time") {
      ASSIGN_OR_RETURN(id, resolve(name));
    }
    made->raw.push_back({std::string(field.raw_name), field.value.type(), id});
  }
  ChooseStored(made.get());

  absl::MutexLock lock(&mu_);
  if (const LineLayout* found = FindLocked(hash, measurement, line)) return found;
  made->id = count_++;
  by_hash_[hash].push_back(made->id);
  const LineLayout* layout = made.get();
  layouts_.At(made->id) = std::move(made);
  return layout;
}

}  // namespace varve::engine
