// One part of a shard's index, in memory or in a segment; a view unites several.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/series_set.h"
#include "model/types.h"

namespace varve::index {

// Walks the values of one tag in ascending order. One thread at a time; the part must outlive it.
class ValueCursor {
 public:
  virtual ~ValueCursor() = default;
  // Moves to the next value (the first, when new); false at the end.
  virtual bool Next() = 0;
  // Unescaped; valid until Next().
  virtual std::string_view value() const = 0;
  // Adds the value's series.
  virtual void AddTo(SeriesSetBuilder* out) const = 0;
  // The same, but cheaper for a single value.
  virtual SeriesSet Series() const = 0;
  virtual bool is_single() const = 0;  // has exactly one series
};

// Postings may name series that the shard has lost since: the owner of the parts knows which.
// Thread safety: every method may be called from any thread.
class IndexPart {
 public:
  virtual ~IndexPart() = default;

  // Each appends or adds to `out`; none is in any order, and nothing is added for what is unknown.
  virtual void AddMeasurements(std::vector<model::MeasurementId>* out) const = 0;
  virtual void AddTagKeys(model::MeasurementId measurement,
                          std::vector<std::string>* out) const = 0;
  // Every series of the measurement.
  virtual void AddSeriesOf(model::MeasurementId measurement, SeriesSetBuilder* out) const = 0;
  // The series that have the tag, whatever its value.
  virtual void AddHasTag(model::MeasurementId measurement, std::string_view tag_key,
                         SeriesSetBuilder* out) const = 0;
  // The series whose tag has the value, which is not empty.
  virtual void AddEqual(model::MeasurementId measurement, std::string_view tag_key,
                        std::string_view value, SeriesSetBuilder* out) const = 0;
  virtual std::unique_ptr<ValueCursor> NewCursor(model::MeasurementId measurement,
                                                 std::string_view tag_key) const = 0;
};

// Walks the values of several cursors as one, in ascending order, equal values united.
class MergedCursor {
 public:
  explicit MergedCursor(std::vector<std::unique_ptr<ValueCursor>> cursors);
  bool Next();
  std::string_view value() const { return value_; }
  SeriesSet Series() const;
  void AddTo(SeriesSetBuilder* out) const;
  bool is_single() const { return current_.size() == 1 && current_[0]->is_single(); }

 private:
  void Push(ValueCursor* cursor);
  std::vector<std::unique_ptr<ValueCursor>> cursors_;
  std::vector<ValueCursor*> heap_;     // those not at their end; the least value on top
  std::vector<ValueCursor*> current_;  // those that stand on value_
  std::string_view value_;
};

}  // namespace varve::index
