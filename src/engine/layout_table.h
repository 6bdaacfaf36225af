// What the field list of a line means: remembered, so that a line costs one comparison of names.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "engine/growing_array.h"
#include "model/line_protocol.h"
#include "model/types.h"
#include "model/write_batch.h"

namespace varve::engine {

// The field list of a line of one measurement. Immutable.
struct LineLayout {
  struct RawField {
    std::string name;  // as written, escapes kept
    model::FieldType type = model::FieldType::kNone;
    model::FieldId field = model::kNoId;  // kNoId: named "time", which InfluxDB drops
  };
  uint32_t id = 0;
  model::MeasurementId measurement = model::kNoId;
  std::vector<RawField> raw;               // every field of the line, in its order
  std::vector<model::LayoutField> fields;  // what is stored; of a name given twice, the last
  std::vector<uint32_t> sources;           // fields[i] is the line's field sources[i]
  bool is_identity = true;                 // sources is 0, 1, 2, ... over the whole line

  // True when a line of the same measurement has exactly these names and types.
  bool Describes(std::span<const model::LineField> line) const {
    if (line.size() != raw.size()) return false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i].value.type() != raw[i].type || line[i].raw_name != raw[i].name) return false;
    }
    return true;
  }
};

// The layouts of one database, numbered from 0. They live as long as the table.
//
// Thread safety: every method may be called from any thread.
class LayoutTable {
 public:
  // Finds or registers a field of the measurement by its unescaped name.
  using FieldResolver = std::function<absl::StatusOr<model::FieldId>(const std::string& name)>;

  // `id` was given by Find().
  const LineLayout& Get(uint32_t id) const { return **layouts_.Find(id); }

  // Finds the layout of a line, or makes it, asking `resolve` for the fields (outside of any lock).
  // Fails only as `resolve` does.
  absl::StatusOr<const LineLayout*> Find(model::MeasurementId measurement,
                                         std::span<const model::LineField> line,
                                         const FieldResolver& resolve) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const LineLayout* FindLocked(uint64_t hash, model::MeasurementId measurement,
                               std::span<const model::LineField> line) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> by_hash_ ABSL_GUARDED_BY(mu_);
  uint32_t count_ ABSL_GUARDED_BY(mu_) = 0;
  // Written under the lock, read without: an id is known only after its element was written.
  GrowingArray<std::unique_ptr<const LineLayout>> layouts_;
};

}  // namespace varve::engine
