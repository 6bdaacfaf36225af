// How the series table keeps what it knows. See series_table.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "index/schema_table.h"
#include "index/segment_list.h"
#include "index/series_delta.h"
#include "index/series_parts.h"
#include "index/series_segment.h"
#include "index/series_table.h"
#include "index/table_state.h"

namespace varve::index {

inline constexpr size_t kKeyBytesMax = 65535;  // InfluxDB's limit

// Lock order: flush_mu_, mu_, schema_mu_.
class SeriesTableImpl : public SeriesTable {
 public:
  SeriesTableImpl(base::Env& env, std::string folder);
  absl::Status Load();

  std::unique_ptr<Lookup> NewLookup() override;
  absl::StatusOr<SeriesRef> Register(std::string_view raw_key, const DefinitionSink& sink) override;
  absl::Status RegisterMany(std::span<const std::string_view> raw_keys, const DefinitionSink& sink,
                            std::vector<SeriesRef>* refs) override;
  model::FieldId FindField(model::MeasurementId measurement, std::string_view name) const override;
  absl::StatusOr<model::FieldId> RegisterField(model::MeasurementId measurement,
                                               std::string_view name,
                                               const DefinitionSink& sink) override;
  absl::Status ApplyDefinitions(std::string_view definitions) override;
  absl::Status Flush() override;

  model::MeasurementId FindMeasurement(std::string_view name) const override;
  std::string MeasurementName(model::MeasurementId measurement) const override;
  std::string FieldName(model::FieldId field) const override;
  model::MeasurementId MeasurementOfField(model::FieldId field) const override;

  model::MeasurementId KeyOf(model::SeriesId series, std::string* key) const override;
  model::MeasurementId MeasurementOfSeries(model::SeriesId series) const override;
  std::unique_ptr<KeyReader> NewKeyReader() const override;

  Flushed FlushedSeries() const override;
  void Watch(const SeriesSet& series) override;
  SeriesSet Watched() const override;
  uint64_t Forget(const SeriesSet& series) override;

  uint64_t series_count() const override;
  uint64_t memory_bytes() const override;
  uint64_t disk_bytes() const override;

 private:
  // Keys looked up at once: about as many loads as a core keeps on their way.
  static constexpr size_t kGroup = 16;

  class LookupImpl;
  class KeyReaderImpl;
  struct FlushPlan;

  struct HashedKey {
    std::string_view key;  // canonical bytes
    uint64_t hash = 0;     // BytesTable::Hash() of it

    friend bool operator==(const HashedKey& a, const HashedKey& b) { return a.key == b.key; }
    template <typename H>
    friend H AbslHashValue(H state, const HashedKey& key) {
      return H::combine(std::move(state), key.hash);
    }
  };

  bool Find(const HashedKey& key, SeriesRef* ref) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status RegisterGroup(std::span<const std::string_view> raw_keys, const DefinitionSink& sink,
                             SeriesRef* refs) ABSL_LOCKS_EXCLUDED(mu_);
  // Finds series, and adds those that are absent; `keys` differ. Fills refs[i] for keys[i].
  absl::Status FindOrAdd(std::span<const HashedKey> keys, const DefinitionSink& sink,
                         SeriesRef* refs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Adds series that differ and are known to be absent, once `sink` has taken their definitions:
  // they get the ids that follow. Returns their measurements.
  absl::StatusOr<std::vector<model::MeasurementId>> AddSeries(std::span<const HashedKey> keys,
                                                              const DefinitionSink& sink)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) ABSL_LOCKS_EXCLUDED(schema_mu_);
  absl::Status ApplySeries(model::SeriesId series, model::MeasurementId measurement,
                           std::string_view key);
  absl::Status ApplyField(model::FieldId field, model::MeasurementId measurement,
                          std::string_view name);
  // Marks series of segments, all living, as forgotten.
  void MarkDead(const SeriesSet& series) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // `contiguous`: the segment must begin where the one before it ended.
  absl::Status LoadSegment(std::shared_ptr<const SeriesSegment> segment, uint64_t number,
                           bool contiguous);
  absl::Status LoadState(const TableState& state, const std::string& name);
  // The parts of flush (series_table_flush.cc).
  struct Rewrite;
  FlushPlan PlanFlush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);
  absl::Status WriteSegments(const FlushPlan& plan, Rewrite* rewrite)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);
  absl::Status WriteSegment(const std::string& bytes, Rewrite* rewrite)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);
  absl::Status WriteList(const FlushPlan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);
  void Publish(const FlushPlan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);

  base::Env& env_;

  absl::Mutex flush_mu_;  // one flush at a time; held across its writes
  SegmentFolder folder_ ABSL_GUARDED_BY(flush_mu_);
  uint64_t next_segment_ ABSL_GUARDED_BY(flush_mu_) = 1;

  mutable absl::Mutex mu_;
  SeriesParts parts_ ABSL_GUARDED_BY(mu_);
  SeriesSpellings aliases_ ABSL_GUARDED_BY(mu_);  // that differ from the canonical bytes
  SeriesSpellings recent_ ABSL_GUARDED_BY(mu_);   // canonical, of series in segments
  std::string scratch_ ABSL_GUARDED_BY(mu_);      // of Find()
  // Up to where measurements and fields are in segments.
  uint32_t flushed_measurements_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t flushed_fields_ ABSL_GUARDED_BY(mu_) = 0;
  // Counts what was forgotten, and how much of that is on disk.
  uint64_t dead_version_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t flushed_dead_version_ ABSL_GUARDED_BY(mu_) = 0;

  // Measurements are added under mu_ and this; fields under this alone.
  mutable absl::Mutex schema_mu_;
  SchemaTable schema_ ABSL_GUARDED_BY(schema_mu_);
};

}  // namespace varve::index
