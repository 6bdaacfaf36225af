// A chunk's entry in an index page: where its rows lie in time, and a record of each column.
//
// A record does not depend on the chunk's place in the file or its series, so that a merge copies
// it unchanged. Bytes: docs/format.md, "TSM file", "Chunk entries".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "model/column_batch.h"
#include "model/types.h"
#include "tsm/statistics.h"

namespace varve::tsm {

// A field with its type: what a layout lists.
struct LayoutColumn {
  model::FieldId field = model::kNoId;
  model::FieldType type = model::FieldType::kNone;
  friend bool operator==(const LayoutColumn&, const LayoutColumn&) = default;
};

// The rows of a chunk, without its columns.
struct ChunkHead {
  uint32_t rows = 0;
  model::TimeRange range;
  uint64_t step_ns = 0;           // of a regular chunk of two rows or more
  bool regular = false;           // times are range.min_ns + row * step_ns; there is no time block
  bool in_page = false;           // rows lie in the entry itself
  bool block_checksums = false;   // one per block, not one for the whole chunk
  uint32_t layout = 0;            // index into the page's layouts
  uint32_t time_block_bytes = 0;  // 0: regular, or in the page
  uint32_t time_checksum = 0;     // with block_checksums, unless regular
  uint32_t chunk_checksum = 0;    // without block_checksums, unless in the page

  int64_t TimeOfRow(uint64_t row) const {  // regular chunks only
    return static_cast<int64_t>(static_cast<uint64_t>(range.min_ns) + row * step_ns);
  }
};

//   base_ns  the end of the series' chunk before, or the page's base time.
void PutChunkHead(const ChunkHead& head, int64_t base_ns, std::string& out);
// False for malformed bytes; a head it accepts has 1 to kMaxBlockValues rows and a range that holds
// them. Of a chunk in the page that is not regular, range.max_ns is read with the times.
bool GetChunkHead(base::ByteReader& in, int64_t base_ns, ChunkHead* head);

// One column's record.
struct ColumnRecord {
  uint32_t block_bytes = 0;
  uint32_t checksum = 0;  // with block_checksums
};

//   times  the chunk's times, as many as head.rows; needed only when it is not regular.
void PutColumnRecord(const ColumnRecord& record, model::FieldType type, const ChunkHead& head,
                     const ColumnSummary& summary, const int64_t* times, std::string& out);

// Reads past a record: only its block's size.
bool SkipColumnRecord(base::ByteReader& in, ColumnRecord* record);
// Reads a record. False for malformed bytes; statistics it gives have 1 to head.rows values and
// times within head.range.
bool GetColumnRecord(base::ByteReader& in, model::FieldType type, const ChunkHead& head,
                     ColumnRecord* record, model::FieldStatistics* statistics);

}  // namespace varve::tsm
