// What the engine writes into the log besides write batches. Bytes: docs/format.md, "Log record
// types". Applying any of them twice is harmless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/types.h"
#include "model/write_batch.h"
#include "wal/log.h"

namespace varve::engine {

// Written to disk.
enum class RecordType : uint8_t {
  kWriteBatch = 1,    // model::WriteBatchBuilder's bytes
  kDefinitions = 2,   // new series, measurements and fields of a database
  kDelete = 3,        // points of some series within a range of time
  kRemoveSeries = 4,  // series that a delete left without points leave a shard's index
  kSchema = 5,        // series and fields that are in a shard's index without points
};

struct DefinitionsRecord {
  model::DatabaseId database = model::kNoId;
  std::string_view definitions;  // what index::SeriesTable gave its sink; borrows the payload
  std::string Encode() const;
  static absl::StatusOr<DefinitionsRecord> Decode(std::string_view payload);
};

struct DeleteRecord {
  struct Shard {
    model::ShardId shard = 0;
    std::vector<model::SeriesId> series;  // ascending
  };
  model::DatabaseId database = model::kNoId;
  bool drop_series = false;  // the series leave the index
  bool drop_fields = false;  // and a measurement without series forgets its fields' types
  model::TimeRange range;
  std::vector<Shard> shards;
  std::string Encode() const;
  static absl::StatusOr<DeleteRecord> Decode(std::string_view payload);
};

struct RemoveSeriesRecord {
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
  wal::Lsn delete_lsn = 0;              // the delete that took their points
  std::vector<model::SeriesId> series;  // ascending
  std::string Encode() const;
  static absl::StatusOr<RemoveSeriesRecord> Decode(std::string_view payload);
};

struct SchemaRecord {
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
  std::vector<model::SeriesId> series;  // ascending
  std::vector<model::LayoutField> fields;
  std::string Encode() const;
  static absl::StatusOr<SchemaRecord> Decode(std::string_view payload);
};

}  // namespace varve::engine
