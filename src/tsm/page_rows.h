// The rows of a tiny chunk, which lie in its index entry: no blocks, no statistics, no checksum of
// their own. Statistics are computed from the rows when the entry is read.
//
// Bytes: docs/format.md, "TSM file", "Rows in the page".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "tsm/chunk_entry.h"
#include "tsm/column_block.h"

namespace varve::tsm {

// The steps between the times of a chunk that is not regular.
void PutPageTimes(const int64_t* times, size_t rows, std::string& out);
// Reads head->rows times from head->range.min_ns on; sets head->range.max_ns. False for malformed
// bytes or times that do not go up.
bool GetPageTimes(base::ByteReader& in, ChunkHead* head, int64_t* times);

// Appends one column with its length.
void PutPageColumn(const DenseColumn& column, size_t rows, std::string& out);

// Decodes the bytes of one column (without its length), values dense. False for malformed bytes.
//   out        strings borrow `bytes`; the validity is set, but values are not yet spread.
//   valid_rows receives kInlineRows row numbers at most.
bool GetPageColumn(std::string_view bytes, model::FieldType type, size_t rows,
                   DecodedColumn::State* out, uint32_t* valid_rows, size_t* count);

// The dense values of a decoded column.
model::ColumnVector ValuesOf(const DecodedColumn::State& state);

}  // namespace varve::tsm
