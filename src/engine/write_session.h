// Turns the lines of one request into a write batch: routes, resolves and checks them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/database_state.h"
#include "engine/line_source.h"
#include "engine/options.h"
#include "engine/records.h"
#include "engine/shard.h"
#include "engine/store.h"
#include "index/series_table.h"
#include "model/shard_router.h"
#include "model/write_batch.h"
#include "wal/log.h"

namespace varve::engine {

// What a session needs of the store. The references outlive it.
struct WriteContext {
  model::ShardRouter& router;
  wal::Log& log;
  const StoreOptions& options;
  int64_t now_ns = 0;
};

// Holds what stays the same from request to request, so sessions are pooled. Use: Begin(), Run(),
// then the results; End() lets go of the database.
//
// Rules and words are those of InfluxDB 1.x (coordinator/points_writer.go, tsdb/shard.go), as
// recorded in tests/conformance/cases/write_errors.json:
//  - a point older than the policy keeps is dropped, unless the body opens a shard that covers it;
//  - a point whose field has another type in its shard is dropped; in a shard that this very
//    request creates, all points of the shard are refused instead;
//  - of several complaints the client is told the first by this order: a shard's, retention's, the
//    parser's. A shard tells of tags before fields.
class WriteSession {
 public:
  WriteSession() : batch_(model::kNoId) {}

  void Begin(std::shared_ptr<DatabaseState> database, model::WriteTarget target);
  // Reads all lines. An error refuses the whole request: only what routing, or registering a series
  // on a sealed log, returns.
  absl::Status Run(const WriteContext& context, LineSource& lines);
  void End();

  // --- After Run().

  size_t rows() const { return batch_.rows(); }
  size_t values() const { return batch_.values(); }
  // Upper bound of what the rows will take in the cache.
  size_t CacheBytesEstimate() const;
  std::string TakeBatch() { return batch_.Finish(); }
  // Whatever is logged of the session holds it until it is applied or refused.
  const SeriesForgetter::Pin& pin() const { return pin_; }
  // Series and fields that InfluxDB shows although their points were dropped.
  std::vector<SchemaRecord> TakeSchemaRecords();
  // What to tell the client when the batch is durable, and how many points were dropped.
  absl::Status Verdict() const;
  uint64_t CountDropped() const;  // in the shards' counts, too

 private:
  struct Route {
    std::shared_ptr<Shard> shard;
    std::shared_ptr<ValidatedLayouts> validated;
    bool created = false;           // by this request
    bool refused = false;           // a type conflict in a shard that is new
    std::optional<size_t> section;  // in the batch
    uint64_t dropped = 0;
    std::string tag_reason;  // the first of each kind
    std::string field_reason;
    std::string limit_reason;
    std::vector<model::SeriesId> pointless_series;
    std::vector<model::LayoutField> pointless_fields;
  };
  struct BatchLayout {
    uint32_t pass = 0;  // in which `index` was given
    uint32_t index = 0;
  };

  // One pass over the lines; true when they must be read again because a route learned something
  // that changes what earlier lines meant.
  absl::StatusOr<bool> Pass(const WriteContext& context, LineSource& lines);
  // The next lines, of which the first is the `line`-th, with their series where a pass before this
  // found them, or where they are found together.
  size_t NextLines(LineSource& lines, size_t line);
  // `ref`: the line's series, or none when it has not been found; then it is looked for.
  absl::Status Take(const WriteContext& context, const model::Line& line, index::SeriesRef* ref);
  // Whether the line's measurement is kept for less time than its age.
  bool BeyondMeasurement(const model::Line& line, int64_t now_ns) const;
  absl::StatusOr<Route*> RouteOf(const WriteContext& context, int64_t time_ns);
  // False: the line is dropped, or its series is one of new_keys_.
  absl::StatusOr<bool> Resolve(const WriteContext& context, const model::Line& line, Route& route,
                               index::SeriesRef* ref);
  absl::StatusOr<bool> RegisterSeries(const WriteContext& context, const model::Line& line,
                                      Route& route, index::SeriesRef* ref);
  bool WithinLimits(const WriteContext& context, const model::Line& line, Route& route);
  absl::StatusOr<const LineLayout*> LayoutOf(const WriteContext& context, const model::Line& line,
                                             const index::SeriesRef& ref);
  bool Validate(const LineLayout& layout, const index::SeriesRef& ref, Route& route);
  void Drop(Route& route, std::string& reason, std::string text);
  void AddRow(const LineLayout& layout, const model::Line& line, model::SeriesId series,
              Route& route);
  index::SeriesTable::DefinitionSink Sink(const WriteContext& context);

  std::shared_ptr<DatabaseState> database_;
  SeriesForgetter::Pin pin_;
  model::WriteTarget target_;
  model::WriteBatchBuilder batch_;
  std::unique_ptr<index::SeriesTable::Lookup> lookup_;
  // Lines are taken in groups when there are many series, so that looking them up overlaps.
  static constexpr size_t kGroupLines = 16;
  size_t group_lines_ = 1;
  std::array<model::Line, kGroupLines> lines_;
  std::array<std::string_view, kGroupLines> keys_;
  std::array<index::SeriesRef, kGroupLines> refs_;
  std::vector<std::unique_ptr<Route>> routes_;
  size_t last_route_ = 0;
  bool refuse_again_ = false;
  std::vector<int64_t> beyond_retention_;  // times of what was dropped for its age
  model::TimeRange accepted_;              // by the limits of the policy
  uint64_t beyond_limits_ = 0;             // points dropped for them, or for their measurement's
  int64_t short_before_ns_ = 0;            // older ones may be too old for their measurement
  std::string parse_errors_;
  bool any_line_ = false;
  // The first pass gathers new series to register them together, unless there are limits to check
  // for each; once it has found one, it looks for no more than others.
  bool gathers_keys_ = false;
  std::vector<std::string_view> new_keys_;
  std::vector<size_t> new_lines_;  // theirs
  // Of each line, as far as the passes so far have found them. The pin keeps them valid.
  std::vector<index::SeriesRef> line_series_;
  std::vector<BatchLayout> layouts_;  // by layout id of the database
  uint32_t pass_ = 0;
  std::vector<model::FieldValue> values_;
};

}  // namespace varve::engine
