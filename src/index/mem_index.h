// The inverted index of series that no segment holds yet.
//
// A tag value costs a hash slot, its bytes and 8 bytes; its first series is kept in place, a few
// more in an array, many in a bitmap. There is no object per series.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/strings.h"
#include "index/bytes_table.h"
#include "index/index_part.h"
#include "index/key_split.h"
#include "model/types.h"

namespace varve::index {

class MemIndex : public IndexPart {
 public:
  MemIndex();
  ~MemIndex() override;

  // Adds a series that is not in it. `key`: canonical bytes. One thread at a time; readers wait for
  // the length of the call.
  void Add(model::SeriesId series, model::MeasurementId measurement, std::string_view key)
      ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t series_count() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t memory_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

  void AddMeasurements(std::vector<model::MeasurementId>* out) const override;
  void AddTagKeys(model::MeasurementId measurement, std::vector<std::string>* out) const override;
  void AddSeriesOf(model::MeasurementId measurement, SeriesSetBuilder* out) const override;
  void AddHasTag(model::MeasurementId measurement, std::string_view tag_key,
                 SeriesSetBuilder* out) const override;
  void AddEqual(model::MeasurementId measurement, std::string_view tag_key, std::string_view value,
                SeriesSetBuilder* out) const override;
  // Takes a copy of the tag's values (views of their bytes and sets), sorted.
  std::unique_ptr<ValueCursor> NewCursor(model::MeasurementId measurement,
                                         std::string_view tag_key) const override;

 private:
  // The series of a value that has more than one: an array, then a bitmap.
  struct Postings {
    uint32_t count = 0;
    uint32_t capacity = 0;  // of ids; 0: bits
    union {
      model::SeriesId* ids;
      roaring_bitmap_s* bits;
    };
  };
  // A combination of measurement and tag keys: what its series have in common.
  struct Shape {
    model::MeasurementId measurement = 0;
    std::vector<std::string> keys;
    std::vector<uint32_t> columns;
    roaring_bitmap_s* series = nullptr;
  };
  static constexpr uint32_t kManyMark = 0x80000000;  // in first_: the rest is an index of many_

  void SplitKey(std::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Shape& FindShape(model::MeasurementId measurement) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddValue(uint32_t column, std::string_view value, model::SeriesId series)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint32_t NewPostings() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Append(Postings& postings, model::SeriesId series);
  uint32_t FindColumn(model::MeasurementId measurement, std::string_view tag_key) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void AddPostings(uint32_t value, SeriesSetBuilder* out) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  uint64_t series_count_ ABSL_GUARDED_BY(mu_) = 0;

  BytesTable columns_ ABSL_GUARDED_BY(mu_);                    // measurement id, tag key
  std::vector<uint32_t> last_value_ ABSL_GUARDED_BY(mu_);      // by column: head of a chain
  BytesTable values_ ABSL_GUARDED_BY(mu_);                     // column, value
  std::vector<uint32_t> first_ ABSL_GUARDED_BY(mu_);           // by value: its series, or kManyMark
  std::vector<uint32_t> previous_value_ ABSL_GUARDED_BY(mu_);  // by value: next in the chain
  std::vector<Postings> many_ ABSL_GUARDED_BY(mu_);

  std::vector<Shape> shapes_ ABSL_GUARDED_BY(mu_);
  base::StringMap<uint32_t> shape_ids_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<model::MeasurementId, std::vector<uint32_t>> shapes_of_ ABSL_GUARDED_BY(mu_);
  uint32_t last_shape_ ABSL_GUARDED_BY(mu_) = 0;

  // Reused by Add().
  std::vector<RawTag> tags_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> unescaped_ ABSL_GUARDED_BY(mu_);
  std::string scratch_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::index
