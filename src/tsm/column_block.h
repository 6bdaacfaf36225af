// One column of a chunk as bytes: which rows have a value, and the values through their codec.
//
// Bytes: docs/format.md, "TSM file", "Column blocks".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "model/column_batch.h"
#include "tsm/codec.h"
#include "tsm/file.h"
#include "tsm/statistics.h"

namespace varve::tsm {

// Values without the nulls, and where they belong. Reusable.
class DenseColumn {
 public:
  // `column` has `rows` rows. Borrows it when it has no nulls.
  void Gather(const model::ColumnVector& column, size_t rows);

  const model::ColumnVector& values() const { return values_; }
  size_t count() const { return count_; }
  // Empty when every row has a value.
  std::span<const uint32_t> rows() const { return rows_view_; }

 private:
  model::ColumnVector values_;
  size_t count_ = 0;
  std::span<const uint32_t> rows_view_;
  std::vector<uint32_t> rows_;
  std::vector<uint64_t> words_;
  std::vector<double> floats_;
  std::vector<int64_t> integers_;
  std::vector<uint64_t> unsigneds_;
  std::vector<uint8_t> booleans_;
  std::vector<std::string_view> strings_;
};

// Appends the block of a column with at least one value.
void EncodeColumnBlock(const DenseColumn& column, size_t rows, const EncodeOptions& options,
                       std::string& out);

// What a DecodedColumn holds. The vectors keep their greatest size.
struct DecodedColumn::State {
  model::FieldType type = model::FieldType::kNone;
  bool has_nulls = false;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<uint64_t> unsigneds;
  std::vector<uint8_t> booleans;
  std::vector<std::string_view> strings;
  std::vector<uint64_t> validity;
  std::string text;  // of strings

  // Makes room for `rows` values of `t`.
  void Prepare(model::FieldType t, size_t rows);
  // Moves values [0, count) to the rows whose validity bit is set, in place.
  void Spread(size_t rows, size_t count);
};

//   count   how many of the `rows` rows have a value, by the index entry.
//   wanted  only the first so many rows are needed; numbers behind them are unspecified.
// DATA_LOSS with the offset within the block.
absl::Status DecodeColumnBlock(std::string_view block, model::FieldType type, size_t rows,
                               size_t count, DecodedColumn::State* out, size_t wanted = SIZE_MAX,
                               GroupPlace grouped = {});
// Adds a block to a group of those that are decoded together, as AddFloats() does; false where it
// cannot be, as one with nulls.
bool AddColumnBlock(std::string_view block, model::FieldType type, size_t rows, size_t count,
                    size_t wanted, codec::EntropyGroup& group);

// The part of a block behind its validity, or nothing when that is malformed.
//   validity  receives a bit per row.
std::string_view SplitValidity(std::string_view block, size_t rows, size_t count,
                               std::vector<uint64_t>* validity);

}  // namespace varve::tsm
