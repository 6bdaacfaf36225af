// TSM files: immutable, columnar, sorted by series and time. Writer, reader, merge.
//
// A file holds chunks. A chunk is up to kChunkRows (kColdChunkRows in cold files) rows of one
// series: one timestamp block shared by all its fields and one block per field, with a validity
// bitmap only where a row lacks the field; and an index entry with the statistics of each block.
// Bytes: docs/format.md, "TSM file". Every byte is under a checksum that is verified before it is
// believed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "model/column_batch.h"
#include "model/types.h"

namespace varve::tsm {

inline constexpr size_t kChunkRows = 1024;
inline constexpr size_t kColdChunkRows = 8192;

// What is known of a finished file; kept in the shard's manifest.
struct FileInfo {
  std::string name;  // within the shard's folder, e.g. "00000012.tsm"
  uint64_t bytes = 0;
  uint64_t chunks = 0;
  uint64_t values = 0;  // field values, nulls left out
  model::TimeRange range;
  model::SeriesId min_series = 0;
  model::SeriesId max_series = 0;
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

struct WriterOptions {
  bool cold = false;  // larger chunks, denser coding
};

// Writes one file. One thread at a time.
class FileWriter {
 public:
  // Writes to `folder`/`name`.tmp until Finish(). `env` must outlive the writer.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Create(base::Env& env, std::string folder,
                                                            std::string name,
                                                            WriterOptions options);
  virtual ~FileWriter() = default;  // removes the .tmp file unless finished

  // Adds rows. Series come in ascending order, and the rows of one series, over all calls, in
  // strictly ascending time. rows.columns[i] holds field fields[i], each field once; columns that
  // are all null are left out of the chunk, and a chunk without any value out of the file. A field
  // that comes with another type than before in its series begins a new chunk. The rows are copied
  // or encoded before this returns. INVALID_ARGUMENT, nothing added: out of order.
  virtual absl::Status Add(model::SeriesId series, std::span<const model::FieldId> fields,
                           const model::ColumnBatch& rows) = 0;

  // Writes index and footer, syncs, renames, syncs the folder. FAILED_PRECONDITION if nothing was
  // added.
  virtual absl::StatusOr<FileInfo> Finish() = 0;
};

struct ColumnMeta {
  model::FieldId field = model::kNoId;
  model::FieldType type = model::FieldType::kNone;
  // Of strings only the count and the times of the first and last value. Floats: NaN is neither
  // min nor max unless every value is; the sum adds in row order.
  model::FieldStatistics statistics;
  uint64_t offset = 0;  // where its block lies in the file; of a tiny chunk, its index page
  uint32_t bytes = 0;   // of its block, validity included
};

struct ChunkMeta {
  model::TimeRange range;  // of its first and last row
  uint32_t rows = 0;
  std::vector<ColumnMeta> columns;  // ascending by field
};

// The decoded values of one column of a chunk, nulls in place. Reusable.
class DecodedColumn {
 public:
  DecodedColumn();
  ~DecodedColumn();
  DecodedColumn(DecodedColumn&&) noexcept;
  DecodedColumn& operator=(DecodedColumn&&) noexcept;
  // Valid until the next decode into this object; strings, while the file is open too.
  model::ColumnVector View() const;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// An open file. Thread safety: every method may be called from any thread; a Cursor by one.
class FileReader : public std::enable_shared_from_this<FileReader> {
 public:
  // Reads header, footer and the index directory, not the data. FAILED_PRECONDITION: written by a
  // newer format version. DATA_LOSS: damage, with file and offset.
  static absl::StatusOr<std::shared_ptr<FileReader>> Open(base::Env& env, const std::string& folder,
                                                          const FileInfo& info);
  virtual ~FileReader() = default;
  virtual const FileInfo& info() const = 0;
  // Tells the file from any other of its length.
  virtual uint64_t footer_checksum() const = 0;

  class Cursor {
   public:
    virtual ~Cursor() = default;
    // From the next move on, chunks() lists only columns of these fields (chunks without any of
    // them have no columns); empty, as at first: of all fields. Makes moves over wide series
    // cheaper.
    virtual void SelectFields(std::span<const model::FieldId> fields) = 0;
    // Moves to `series`; false when the file has none of it. Cheapest in ascending order: one step
    // in a decoded index page. No allocation once its buffers have grown.
    virtual absl::StatusOr<bool> Seek(model::SeriesId series) = 0;
    // Moves to the next series in the file (the first one at the start); false at the end.
    virtual absl::StatusOr<bool> NextSeries() = 0;
    virtual model::SeriesId series() const = 0;
    // The chunks of the series, ascending and disjoint in time. Valid until the next move.
    virtual std::span<const ChunkMeta> chunks() const = 0;
    // Decodes the times, or column `column` (an index into ChunkMeta::columns), of chunks()[chunk].
    absl::Status ReadTimes(size_t chunk, std::vector<int64_t>* times) {
      return ReadTimesUpTo(chunk, model::kMaxTimeNs, times);
    }
    // Only those up to `max_ns` are needed; there may be more.
    virtual absl::Status ReadTimesUpTo(size_t chunk, int64_t max_ns,
                                       std::vector<int64_t>* times) = 0;
    absl::Status ReadColumn(size_t chunk, size_t column, DecodedColumn* out) {
      return ReadColumnUpTo(chunk, column, SIZE_MAX, out);
    }
    // Says that these columns of a chunk are read next, up to `rows` each: numbers of several are
    // then decoded side by side. Until another move or announcement.
    virtual void Announce(size_t chunk, std::span<const size_t> columns, size_t rows) = 0;
    // Only the first `rows` rows are needed; values behind them are unspecified.
    virtual absl::Status ReadColumnUpTo(size_t chunk, size_t column, size_t rows,
                                        DecodedColumn* out) = 0;
  };
  // The cursor keeps the file open.
  virtual std::unique_ptr<Cursor> NewCursor() = 0;

  // Reads and checks every byte. DATA_LOSS names the first damage.
  virtual absl::Status Verify() = 0;
};

}  // namespace varve::tsm
