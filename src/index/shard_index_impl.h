// How a shard's index keeps what it knows. See shard_index.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "index/mem_index.h"
#include "index/segment_list.h"
#include "index/shard_index.h"
#include "index/shard_segment.h"
#include "index/shard_view.h"

namespace varve::index {

// Types of fields: those that are visible, and those that a batch on its way has reserved.
// Thread safety: one thread at a time.
class FieldTypes {
 public:
  model::FieldType Reserve(model::FieldId field, model::FieldType type);
  // The type of a field, visible or reserved; kNone when it has none.
  model::FieldType Find(model::FieldId field) const;
  bool IsVisible(model::FieldId field, model::FieldType type) const;
  // Returns whether that changed what is visible.
  bool Add(model::FieldId field, model::FieldType type);
  bool Remove(model::FieldId field);
  // Calls visit(field, type) for each visible field, in ascending order.
  template <typename Visit>
  void ForEach(const Visit& visit) const;
  std::vector<model::FieldId> All() const;  // reserved ones too
  std::shared_ptr<const FieldsByMeasurement> Snapshot(const SeriesTable& table) const;

  std::string Encode() const;
  static absl::StatusOr<FieldTypes> Decode(std::string_view bytes);

 private:
  struct Entry {
    model::FieldType type = model::FieldType::kNone;
    bool visible = false;
  };
  absl::flat_hash_map<model::FieldId, Entry> entries_;
};

// Every series is in exactly one part: a segment, a frozen memory index, or the active one. It is
// alive or dead; a flush takes dead ones out of the parts it rewrites.
// Lock order: flush_mu_, mu_, then the series table's.
class ShardIndexImpl : public ShardIndex {
 public:
  ShardIndexImpl(base::Env& env, std::string folder, const SeriesTable& table);
  absl::Status Load();

  model::FieldType ReserveField(model::FieldId field, model::FieldType type) override;
  std::shared_ptr<const ShardIndexView> View() const override;
  bool Contains(model::SeriesId series) const override;
  uint64_t series_count() const override;
  uint64_t memory_bytes() const override;
  uint64_t disk_bytes() const override;

  using ShardIndex::AddSeries;
  void AddSeries(std::span<const model::SeriesId> series) override;
  void AddField(model::FieldId field, model::FieldType type) override;
  void RemoveSeries(const SeriesSet& series, bool drop_fields) override;
  absl::Status Flush() override;

 private:
  struct FlushPlan;

  // The sets as something to change: copied first when a view has them.
  SeriesSet& MutableAlive() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Changed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { view_.reset(); }
  void Freeze() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropFieldsOf(const std::vector<model::MeasurementId>& measurements)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  FlushPlan PlanFlush();
  absl::Status WriteFlush(FlushPlan* plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mu_);
  void Publish(const FlushPlan& plan);

  base::Env& env_;
  const SeriesTable& table_;

  absl::Mutex flush_mu_;  // one flush at a time; held across its writes
  SegmentFolder folder_ ABSL_GUARDED_BY(flush_mu_);
  uint64_t next_segment_ ABSL_GUARDED_BY(flush_mu_) = 1;

  mutable absl::Mutex mu_;
  std::vector<std::shared_ptr<const ShardSegment>> segments_ ABSL_GUARDED_BY(mu_);
  std::vector<uint64_t> segment_numbers_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<const MemIndex>> frozen_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<MemIndex> active_ ABSL_GUARDED_BY(mu_);
  uint64_t active_series_ ABSL_GUARDED_BY(mu_) = 0;
  SeriesSet alive_ ABSL_GUARDED_BY(mu_);
  mutable bool alive_lent_ ABSL_GUARDED_BY(mu_) = false;  // a view has a copy
  SeriesSet dead_ ABSL_GUARDED_BY(mu_);                   // in some part, but removed
  absl::flat_hash_map<model::MeasurementId, uint64_t> live_count_ ABSL_GUARDED_BY(mu_);
  FieldTypes fields_ ABSL_GUARDED_BY(mu_);
  mutable std::shared_ptr<const FieldsByMeasurement> field_snapshot_ ABSL_GUARDED_BY(mu_);
  mutable std::shared_ptr<const ShardView> view_ ABSL_GUARDED_BY(mu_);  // null after a change
  // Counts changes of dead_ and visible fields, which the list on disk holds.
  uint64_t state_version_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t flushed_version_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace varve::index
