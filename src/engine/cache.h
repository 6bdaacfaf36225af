// The cache of a shard: points that are in the log but not yet in a TSM file.
//
// A series' rows lie together, in slabs of an arena that never move: one column of times and one of
// 64-bit words per field. A slab holds 2 rows at first and up to 1,024 later, so that a million
// series of two rows stay small and a busy series is read in long runs. Rows keep their order of
// arrival; the length of the prefix that is strictly ascending in time is known, so that readers
// sort only what came late.
//
// What a reader sees: the cache counts the records applied to it. A view remembers the count, and
// the first row a series gets after a view was opened leaves behind how many rows it had, so a view
// finds the rows of exactly the records it saw, at no cost while nothing reads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/arena.h"
#include "engine/sparse_array.h"
#include "model/column_batch.h"
#include "model/types.h"
#include "model/write_batch.h"

namespace varve::engine {

// The columns of a slab: ascending by field, then by type.
struct CacheLayout {
  std::vector<model::LayoutField> fields;
};

// A layout of a write batch as this cache knows it.
struct RowLayout {
  const CacheLayout* layout = nullptr;  // exactly the fields of the batch's layout
  std::vector<uint32_t> columns;        // of value i
};

// Some rows of one series; `capacity` times, then as many words for each column, follow in memory.
struct CacheSlab {
  const CacheSlab* previous;
  const CacheLayout* layout;
  // A bit for each row and column, (capacity + 63) / 64 words a column; null while every row has
  // every field. Words change while readers look, so both sides go through std::atomic_ref.
  std::atomic<uint64_t*> validity;
  uint32_t first_row;  // rows of the series before this slab
  uint32_t capacity;

  const int64_t* times() const { return reinterpret_cast<const int64_t*>(this + 1); }
  int64_t* times() { return reinterpret_cast<int64_t*>(this + 1); }
  // Floats, integers and unsigneds as their bits, booleans as 0 or 1, strings as the address of a
  // CacheString.
  const uint64_t* words(size_t column) const {
    return reinterpret_cast<const uint64_t*>(times() + capacity) + column * capacity;
  }
  uint64_t* words(size_t column) {
    return reinterpret_cast<uint64_t*>(times() + capacity) + column * capacity;
  }
  size_t validity_words() const { return (capacity + 63) / 64; }
};

struct CacheString {
  uint64_t size;
  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), size}; }
};

// How many rows a series had when record `epoch` was the last one.
struct CacheHistory {
  const CacheHistory* previous;
  uint32_t epoch;
  uint32_t rows;
};

struct CacheSeries {
  std::atomic<const CacheSlab*> tail{nullptr};
  std::atomic<const CacheHistory*> history{nullptr};
  std::atomic<uint32_t> rows{0};    // stored last, with release: what it counts is complete
  std::atomic<uint32_t> sorted{0};  // rows of the longest strictly ascending prefix
  int64_t last_time = 0;            // of that prefix; the writer's
  uint32_t epoch = 0;               // of the last row; the writer's
};

// A view's place in a cache: the records it sees. kAllRecords for a frozen cache.
using CacheEpoch = uint32_t;
inline constexpr CacheEpoch kAllRecords = std::numeric_limits<CacheEpoch>::max();

// Thread safety: one thread at a time writes (the log thread); any number read beside it. Writing
// and OpenView() exclude each other: both happen under the store's apply lock.
class Cache {
 public:
  // `sequence`: its age among the shard's caches and files. `total`: see Arena.
  Cache(uint64_t sequence, ByteTotal total) : sequence_(sequence), arena_(std::move(total)) {}

  uint64_t sequence() const { return sequence_; }
  size_t bytes() const { return arena_.bytes(); }
  bool empty() const { return rows_.load(std::memory_order_relaxed) == 0; }
  uint64_t rows() const { return rows_.load(std::memory_order_relaxed); }
  uint64_t series_count() const { return series_.load(std::memory_order_relaxed); }

  // --- The writer.

  // Rows appended from here on belong to a new record.
  void BeginRecord() { ++epoch_; }
  // The cache's form of a batch's layout, made on first sight; `is_new` then tells so.
  const RowLayout* LayoutOf(std::span<const model::LayoutField> fields, bool* is_new);
  // Appends a row; true when it is the series' first. values[i] belongs to the layout's field i.
  bool Append(model::SeriesId series, const RowLayout* layout, int64_t time_ns,
              std::span<const model::FieldValue> values);

  // --- Readers.

  // Sees the records begun so far.
  CacheEpoch OpenView() {
    if (view_epoch_ != epoch_) view_epoch_ = epoch_;
    return epoch_;
  }
  const CacheSeries* Find(model::SeriesId series) const;
  // The rows of `series` that a view of `epoch` sees.
  static uint32_t VisibleRows(const CacheSeries& series, CacheEpoch epoch);
  // Calls visit(SeriesId, const CacheSeries&) for every series, ascending.
  template <typename Visit>
  void ForEachSeries(Visit visit) const {
    for (size_t group = 0; group < pages_.page_count(); ++group) {
      const std::atomic<Page*>* const pages = pages_.FindPage(group);
      for (size_t i = 0; pages != nullptr && i < kGroupPages; ++i) {
        const Page* page = pages[i].load(std::memory_order_acquire);
        if (page != nullptr) VisitPage(*page, (group * kGroupPages + i) * kPageSeries, visit);
      }
    }
  }

 private:
  static constexpr size_t kPageSeries = 256;
  // What a cache pays for ids that it does not have is 8 bytes for so many pages of them.
  static constexpr size_t kGroupPages = 128;
  struct Page {
    std::atomic<CacheSeries*> series[kPageSeries];
  };
  template <typename Visit>
  static void VisitPage(const Page& page, size_t first, Visit& visit) {
    for (size_t i = 0; i < kPageSeries; ++i) {
      const CacheSeries* series = page.series[i].load(std::memory_order_acquire);
      if (series != nullptr) visit(static_cast<model::SeriesId>(first + i), *series);
    }
  }
  // How rows of one layout go into slabs of another.
  struct Mapping {
    const CacheLayout* target = nullptr;
    std::vector<uint32_t> columns;
  };

  const CacheLayout* InternLayout(std::vector<model::LayoutField> fields);
  const Mapping& MappingOf(const CacheLayout* slab, const RowLayout* row);
  CacheSeries* FindOrAdd(model::SeriesId series, bool* is_new);
  CacheSlab* NewSlab(const CacheSlab* previous, const CacheLayout* layout, uint32_t rows);
  void MarkNulls(CacheSlab* slab, uint32_t at, std::span<const uint32_t> columns,
                 std::span<const model::FieldValue> values);
  uint64_t WordOf(const model::FieldValue& value);

  const uint64_t sequence_;
  Arena arena_;
  uint32_t epoch_ = 1;
  uint32_t view_epoch_ = 0;  // of the newest view; 0: none yet
  SparseArray<std::atomic<Page*>, kGroupPages> pages_;
  std::atomic<uint64_t> rows_{0};
  std::atomic<uint64_t> series_{0};
  // The writer's; readers reach layouts only through slabs.
  std::vector<std::unique_ptr<CacheLayout>> layouts_;
  std::vector<std::unique_ptr<RowLayout>> row_layouts_;
  absl::flat_hash_map<uint64_t, std::vector<const RowLayout*>> row_layouts_by_hash_;
  absl::flat_hash_map<std::pair<const CacheLayout*, const RowLayout*>, Mapping> mappings_;
};

}  // namespace varve::engine
