// Any bytes as a write batch: no bad read; what reads to its end can be built again and reads the
// same.

#include "model/write_batch.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace varve::model;

namespace {

// Copies what can be read of `bytes` into `builder`, if given, and folds it into a hash.
uint64_t Read(std::string_view bytes, WriteBatchBuilder* builder, bool* whole) {
  *whole = false;
  uint64_t hash = 0;
  const auto reader = WriteBatchReader::Open(bytes);
  if (!reader.ok()) return hash;
  if (builder != nullptr) {
    builder->Reset((*reader)->database());
    for (const auto& layout : (*reader)->layouts()) {
      builder->AddLayout(layout.measurement, layout.fields);
    }
  }
  for (;;) {
    ShardId shard;
    size_t rows;
    const absl::StatusOr<bool> section = (*reader)->NextShard(&shard, &rows);
    if (!section.ok()) return hash;
    if (!*section) break;
    const size_t index = builder != nullptr ? builder->Shard(shard) : 0;
    WriteBatchReader::Row row;
    for (;;) {
      const absl::StatusOr<bool> next = (*reader)->NextRow(&row);
      if (!next.ok()) return hash;
      if (!*next) break;
      if (builder != nullptr) {
        builder->AddRow(index, row.series, row.layout, row.time_ns, row.values);
      }
      uint64_t row_hash =
          shard * 31 + row.series * 37 + row.layout + static_cast<uint64_t>(row.time_ns);
      for (const FieldValue& value : row.values) {
        row_hash = row_hash * 1099511628211U + static_cast<uint64_t>(value.type());
        if (value.type() == FieldType::kString) {
          for (const char c : value.as_string()) row_hash = row_hash * 131 + uint8_t(c);
        }
      }
      hash += row_hash;  // a sum: sections of one shard are joined when built again
    }
  }
  *whole = true;
  return hash;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  WriteBatchBuilder builder(0);
  bool whole;
  const uint64_t hash = Read(bytes, &builder, &whole);
  if (!whole) return 0;
  if (Read(builder.Finish(), nullptr, &whole) != hash || !whole) std::abort();
  return 0;
}
