// The accepted points of one request, resolved: the one form that is logged, replayed and applied.
//
// A batch belongs to one database. It holds, for each shard it touches, rows of (series, layout,
// time, values), where a layout is a list of fields with their types. The bytes are the payload of
// a WAL record (docs/format.md, "Write batch"), so that what is replayed after a crash is, byte for
// byte, what was applied before it. Replaying a batch twice is harmless.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/types.h"

namespace varve::model {

struct LayoutField {
  FieldId field = kNoId;
  FieldType type = FieldType::kNone;
  friend bool operator==(const LayoutField&, const LayoutField&) = default;
};

// Builds the bytes. One thread at a time; reusable after Reset(), keeping its buffers.
class WriteBatchBuilder {
 public:
  explicit WriteBatchBuilder(DatabaseId database);
  ~WriteBatchBuilder();
  WriteBatchBuilder(const WriteBatchBuilder&) = delete;
  WriteBatchBuilder& operator=(const WriteBatchBuilder&) = delete;

  void Reset(DatabaseId database);

  // Opens (or finds) the section of a shard; rows go to it by the returned index.
  size_t Shard(ShardId shard);
  // Registers a layout for this batch and returns its index. Equal layouts may be added twice.
  uint32_t AddLayout(MeasurementId measurement, std::span<const LayoutField> fields);
  // Adds one row; values.size() equals the layout's field count and each value has the type the
  // layout gives (null is allowed: the field is absent from this row).
  void AddRow(size_t shard_index, SeriesId series, uint32_t layout, int64_t time_ns,
              std::span<const FieldValue> values);

  size_t rows() const;
  size_t values() const;
  // Bytes that Finish() will return, within a few percent.
  size_t ByteSizeEstimate() const;

  // The record payload. The builder is then as after Reset().
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads a batch's bytes. Checks them: a malformed batch gives DATA_LOSS, never a bad read.
class WriteBatchReader {
 public:
  struct Layout {
    MeasurementId measurement;
    std::vector<LayoutField> fields;
  };
  struct Row {
    SeriesId series;
    uint32_t layout;
    int64_t time_ns;
    std::span<const FieldValue> values;  // strings borrow the batch's bytes; until the next row
  };

  // `bytes` is borrowed for the reader's life.
  static absl::StatusOr<std::unique_ptr<WriteBatchReader>> Open(std::string_view bytes);
  ~WriteBatchReader();

  DatabaseId database() const;
  std::span<const Layout> layouts() const;

  // Moves to the next shard's section; false when there is none.
  absl::StatusOr<bool> NextShard(ShardId* shard, size_t* rows);
  // Moves to the next row of the current section; false at its end.
  absl::StatusOr<bool> NextRow(Row* row);

 private:
  struct State;
  explicit WriteBatchReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace varve::model
