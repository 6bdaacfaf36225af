// Columns that are rearranged, cut or converted on their way from a file or cache to a query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/column_batch.h"
#include "model/types.h"

namespace varve::engine {

// The bits of a float, integer or unsigned, whichever type they were written as.
using RawWord [[gnu::may_alias]] = uint64_t;

// True when values of type `from` can be handed out as `to`: equal, or both numeric.
bool CanConvert(model::FieldType from, model::FieldType to);
// Converts one value as Go does (floats to integers towards zero); null where CanConvert() is
// false.
model::FieldValue ConvertValue(const model::FieldValue& value, model::FieldType to);

// A column in memory of its own; its buffers are kept from use to use.
class WorkColumn {
 public:
  // Replaces the content with the given rows of `source`, in this order.
  void Gather(const model::ColumnVector& source, std::span<const uint32_t> rows);
  // Replaces the content with `source` as type `to`. CanConvert() holds. Null rows stay null; the
  // validity is shared with `source`.
  void Convert(const model::ColumnVector& source, size_t rows, model::FieldType to);
  // Replaces the content with rows [begin, begin + rows) of `source`; values are borrowed, validity
  // bits are moved to the front where they do not lie there.
  void Slice(const model::ColumnVector& source, size_t begin, size_t rows);
  // Makes room for values that the caller writes; type() says which array is used.
  void Prepare(model::FieldType type, size_t rows);
  RawWord* words() { return words_.data(); }
  uint8_t* booleans() { return booleans_.data(); }
  std::string_view* strings() { return strings_.data(); }
  // Makes room for the validity of `rows` rows, all null; View() then has it.
  uint64_t* PrepareValidity(size_t rows);

  const model::ColumnVector& View() const { return view_; }

 private:
  model::ColumnVector view_;
  std::vector<uint64_t> words_;
  std::vector<uint8_t> booleans_;
  std::vector<std::string_view> strings_;
  std::vector<uint64_t> validity_;
};

}  // namespace varve::engine
