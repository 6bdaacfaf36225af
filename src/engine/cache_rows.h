// Reads one series of a cache in order of time, each time once: for scanners and for the flush.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cache.h"
#include "engine/read_view.h"
#include "engine/work_column.h"
#include "model/column_batch.h"

namespace varve::engine {

// The columns of a layout that hold one field: [first, first + count). More than one when the field
// changed its type within the life of the cache.
struct ColumnSpan {
  size_t first = 0;
  size_t count = 0;
};

// Where the columns of a piece are put together; reused from piece to piece.
struct CacheColumns {
  std::vector<int64_t> times;
  std::vector<uint32_t> ends;          // behind the arrivals of each time
  std::vector<ColumnSpan> columns;     // of one field, by slab
  std::vector<const uint64_t*> words;  // the same, where each slab has one column
  std::vector<WorkColumn> work;
  std::vector<model::ColumnBuffer> buffers;
};

// The rows come in pieces, ascending and disjoint in time. A series that arrived in order is read
// slab by slab without copying; one that did not is sorted first, and of rows with one time the
// last value of each field wins.
//
// One thread at a time; reusable. The cache must live while its rows are in use.
class CacheRows {
 public:
  struct Piece {
    model::TimeRange range;
    uint32_t first = 0;  // sorted: the slab; otherwise where the piece begins in the order of times
    uint32_t rows = 0;   // rows as they arrived; equal times not yet joined
  };

  // Turns to the rows of `series` that a view of `epoch` sees; false when there are none.
  bool Open(const CacheSeries& series, CacheEpoch epoch);
  std::span<const Piece> pieces() const { return pieces_; }

  // The fields that occur in any row, ascending by field, each once (in the type it has first).
  void Fields(std::vector<FieldRequest>* fields) const;

  // Puts together the given columns of a piece. `out` borrows `storage` and the cache; a column the
  // series does not have is of type kNone.
  void Load(size_t piece, std::span<const FieldRequest> fields, CacheColumns* storage,
            model::ColumnBatch* out) const;

 private:
  struct Slab {
    const CacheSlab* slab;
    uint32_t rows;  // that are visible
  };
  struct Arrival {
    int64_t time;
    uint32_t slab;
    uint32_t row;  // of the slab
  };

  void SortRows();
  void LoadSlab(const Slab& slab, std::span<const FieldRequest> fields, CacheColumns* storage,
                model::ColumnBatch* out) const;
  void LoadSorted(const Piece& piece, std::span<const FieldRequest> fields, CacheColumns* storage,
                  model::ColumnBatch* out) const;
  // The newest value of each time, where every slab has values of just the type asked for.
  bool GatherNewest(std::span<const Arrival> arrivals, const FieldRequest& field,
                    CacheColumns* storage, WorkColumn* work) const;
  static model::FieldValue ValueAt(const CacheSlab& slab, ColumnSpan columns, uint32_t row,
                                   model::FieldType type);

  std::vector<Slab> slabs_;  // in order of arrival
  std::vector<Piece> pieces_;
  std::vector<Arrival> arrivals_;  // by time, then arrival; only when not in order
  bool in_order_ = true;
};

}  // namespace varve::engine
