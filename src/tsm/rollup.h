// Partial aggregates of a TSM file by the hour, so that a chart over months reads a hundredth of
// it.
//
// `NNNNNNNN.rollup` beside `NNNNNNNN.tsm` holds, for each series that has many rows to the hour,
// what is known of each field's values in each hour of UTC: count, first and last with their times,
// and of numbers min, max and sum. It is derived: it can be deleted at any time and is made again,
// and no answer depends on it. Bytes: docs/format.md, "Rollup".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "model/column_batch.h"
#include "tsm/file.h"

namespace varve::tsm {

inline constexpr int64_t kRollupSpanNs = 3'600'000'000'000;

// The name of the rollup of the TSM file of that name.
std::string RollupName(std::string_view tsm_name);

// What is known of one field of a series in each of its hours.
struct RollupColumn {
  model::FieldId field = model::kNoId;
  model::FieldType type = model::FieldType::kNone;
  // As many as the series has hours; count is 0 where it has no value. min_time and max_time are
  // not kept: they are first_time. Strings and booleans have count and the times only.
  std::vector<model::FieldStatistics> spans;
};

struct RollupOptions {
  // Series with fewer rows to the hour than this, on the average of the hours they have rows in,
  // are left out: reading their rows costs no more.
  uint64_t rows_per_hour_min = 32;
  // As in MergeOptions.
  std::function<void(uint64_t)> throttle;
  const std::atomic<bool>* cancel = nullptr;
};

// Reads all of `file`, which lies in `folder`, and writes its rollup beside it, replacing one that
// is there. Memory stays within a few chunks and one series' hours. DATA_LOSS: `file` is damaged.
// CANCELLED: nothing is left behind.
absl::Status BuildRollup(base::Env& env, const std::string& folder, FileReader& file,
                         const RollupOptions& options);

// An open rollup. Thread safety: every method may be called from any thread; a Cursor by one.
class RollupReader : public std::enable_shared_from_this<RollupReader> {
 public:
  // Opens the rollup of `file`, which lies in `folder`. NOT_FOUND: it has none. DATA_LOSS: damage,
  // or it was made of another file. FAILED_PRECONDITION: written by a newer format version.
  static absl::StatusOr<std::shared_ptr<RollupReader>> Open(base::Env& env,
                                                            const std::string& folder,
                                                            const FileReader& file);
  virtual ~RollupReader() = default;

  class Cursor {
   public:
    virtual ~Cursor() = default;
    // From the next Seek() on, columns of these fields are decoded; at first, and empty: of all.
    virtual void SelectFields(std::span<const model::FieldId> fields) = 0;
    // Likewise, hours that have nothing of `range` are left out.
    virtual void SelectTimes(const model::TimeRange& range) = 0;
    // Moves to `series`; false when the rollup leaves it out. Cheapest in ascending order. Damage
    // is DATA_LOSS; damaged() of the reader is true from then on.
    virtual absl::StatusOr<bool> Seek(model::SeriesId series) = 0;
    // Every hour in which the series has a row, of those selected, by its first instant, ascending.
    // Valid, like the columns, until the next move.
    virtual std::span<const int64_t> hours() const = 0;
    // Null: the series has no value of the field (or it was not selected).
    virtual const RollupColumn* Find(model::FieldId field) const = 0;
  };
  virtual std::unique_ptr<Cursor> NewCursor() = 0;

  virtual uint64_t bytes() const = 0;
  virtual bool damaged() const = 0;
  // Decodes every page. DATA_LOSS names the first damage.
  virtual absl::Status Verify() = 0;
  // Prints it, for `varve inspect`; with `series` each series' columns hour by hour.
  virtual absl::Status Dump(bool series, std::ostream& out) = 0;
};

}  // namespace varve::tsm
