// The rows of several series as one stream, in the order in which InfluxDB's iterators hand them
// on.
//
// Source of the order: InfluxDB 1.x "query/iterator.gen.go" (sorted merge iterators) and
// "tsdb/engine/tsm1/engine.go" (which series are merged, in which order). Each shard merges its
// series, in the order of their keys, by time; rows of one instant come in the order of their
// texts, column by column up to the first that is no text in both; of what is still equal, the
// steps of Go's heap decide (go_heap.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "query/execute.h"
#include "query/points.h"

namespace varve::query {

// Some rows, row by row; borrowed until the next call.
struct RowBlock {
  size_t rows = 0;
  const int64_t* times = nullptr;
  const model::FieldValue* values = nullptr;  // rows * columns
  const uint32_t* members = nullptr;          // of each row: which of the merged members it is of
};

// Readers for one request after another: a new one begins by finding its place in every file.
class ReaderPool {
 public:
  std::unique_ptr<RowReader> Take(const RowSource& source, const ReadRequest& request);
  void Return(const RowSource& source, std::unique_ptr<RowReader> reader) {
    idle_[&source] = std::move(reader);
  }

 private:
  absl::flat_hash_map<const RowSource*, std::unique_ptr<RowReader>> idle_;
};

struct MergeOptions {
  // No more than so many rows will be asked for; 0: all.
  size_t rows_wanted = 0;
  // The first column is what a call takes: rows without it do not count, and it breaks no ties.
  // Several sources are read one after the other, within each of the windows, if there are any.
  bool driven = false;
  const Windows* windows = nullptr;
  // Not 0: of each series, in each shard, no more rows than these are asked for. More may come.
  size_t series_rows_max = 0;
  // Not null: where groups of one series, all with the same request, get their readers.
  ReaderPool* readers = nullptr;
};

class RowMerger {
 public:
  // `members`: of one group, or of several whose rows are one stream. Everything passed must
  // outlive the merger.
  static std::unique_ptr<RowMerger> Make(const GroupedSources& grouped,
                                         std::span<const GroupMember> members,
                                         const ReadRequest& request, const MergeOptions& options,
                                         QueryState& query);
  virtual ~RowMerger() = default;
  // The next rows; rows == 0 at the end.
  virtual absl::Status Next(RowBlock* block) = 0;
};

// Writes the first `rows` values of a column to every `width`-th place from `to` on.
void CopyColumn(const model::ColumnVector& column, size_t rows, size_t width,
                model::FieldValue* to);
// Row by row what a batch holds column by column.
void AppendRows(const model::ColumnBatch& batch, std::vector<model::FieldValue>* out);

// -1, 0 or 1: which of two rows of one instant goes first.
int CompareTexts(const model::FieldValue* a, const model::FieldValue* b, size_t columns);

// --- The parts Make() chooses from

// A series of one source; the order of several is that in which they are merged.
struct MergeInput {
  uint32_t series = 0;
  uint32_t place = 0;  // among the members given to Make()
};

// A few series: a heap of open readers.
std::unique_ptr<RowMerger> MakeHeapMerger(const RowSource& source, std::vector<MergeInput> inputs,
                                          const ReadRequest& request, const MergeOptions& options,
                                          QueryState& query);
// Many series: reads a slice of time from all of them at once, as large as memory allows.
std::unique_ptr<RowMerger> MakeSliceMerger(const RowSource& source, std::vector<MergeInput> inputs,
                                           const ReadRequest& request, const MergeOptions& options,
                                           QueryState& query);

// One series after the other, each in order of time: for those who order the rows themselves.
std::unique_ptr<RowMerger> MakeConcatenation(const GroupedSources& grouped, const Group& group,
                                             const ReadRequest& request, QueryState& query);

// The shard of `source` that holds `time`, or all times where nothing is known of shards.
model::TimeRange ShardOf(const RowSource& source, int64_t time);

// How many of the columns break ties: the texts and tags at the front.
size_t TieColumns(const ReadRequest& request, const MergeOptions& options);

}  // namespace varve::query
