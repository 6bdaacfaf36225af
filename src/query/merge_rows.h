// The rows of several series as one stream in order of time.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "query/execute.h"
#include "query/points.h"

namespace varve::query {

// Some rows, row by row; borrowed until the next call.
struct RowBlock {
  size_t rows = 0;
  const int64_t* times = nullptr;
  const model::FieldValue* values = nullptr;  // rows * columns
};

// Rows of one instant come in the order of their texts, column by column, up to the first column
// that is no text in both, then in the order of the series: as InfluxDB's sorted merge.
class RowMerger {
 public:
  // `rows_wanted`: no more than so many rows will be asked for; 0: all.
  static std::unique_ptr<RowMerger> Make(const GroupedSources& grouped, const Group& group,
                                         const ReadRequest& request, size_t rows_wanted,
                                         QueryState& query);
  virtual ~RowMerger() = default;
  // The next rows; rows == 0 at the end.
  virtual absl::Status Next(RowBlock* block) = 0;
};

// -1, 0 or 1: which of two rows of one instant goes first.
int CompareTexts(const model::FieldValue* a, const model::FieldValue* b, size_t columns);

// For many series: reads a slice of time from all of them at once, as large as memory allows.
std::unique_ptr<RowMerger> MakeSliceMerger(const GroupedSources& grouped, const Group& group,
                                           const ReadRequest& request, size_t rows_wanted,
                                           QueryState& query);

// One series after the other, each in order of time: for those who order the rows themselves.
std::unique_ptr<RowMerger> MakeConcatenation(const GroupedSources& grouped, const Group& group,
                                             const ReadRequest& request, QueryState& query);

}  // namespace varve::query
