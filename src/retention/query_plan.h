// What a continuous query means: when it runs, over which windows, from what into what.
//
// When it runs and over which times is InfluxDB's, rule for rule (services/continuous_querier,
// 1.6 and later): a run is due every resample interval, aligned in the query's time zone; it covers
// the windows that ended since the last run, and with RESAMPLE FOR those that began within so long.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "meta/catalog.h"
#include "query/ast.h"
#include "query/window.h"
#include "retention/time_ranges.h"

namespace varve::retention {

// A continuous query of the catalog, taken apart. Immutable.
class QueryPlan {
 public:
  // INVALID_ARGUMENT, in InfluxDB's words where it has some, when it can never run.
  static absl::StatusOr<std::shared_ptr<const QueryPlan>> Make(const meta::CatalogData& catalog,
                                                               const meta::Database& database,
                                                               const meta::ContinuousQuery& query);

  struct Due {
    int64_t last_run_ns = 0;  // what `last_run` is after this run
    Span span;                // of whole windows; may be empty
  };
  // Windows of the calendar differ in length. Without RESAMPLE EVERY such a query runs at the end
  // of each; a run covers the windows that ended since the slot before, whatever RESAMPLE FOR says.
  //
  // The run that is due at `now_ns` after one at `last_run`; absent: none is yet.
  std::optional<Due> DueAt(std::optional<int64_t> last_run, int64_t now_ns) const;
  // When the next run is due.
  int64_t NextRun(int64_t last_run_ns) const;
  // Where the next run will begin: earlier windows are not looked at again by themselves.
  int64_t NextStart(int64_t last_run_ns) const {
    return StartOf(NextRun(last_run_ns), last_run_ns);
  }
  // Where the run that would have been due last before `now_ns` begins, had all gone well.
  int64_t UsualStart(int64_t now_ns) const {
    const int64_t slot_ns = SlotOf(now_ns);
    return StartOf(slot_ns, SlotOf(slot_ns - 1));
  }
  // The resample slot that `time_ns` lies in.
  int64_t SlotOf(int64_t time_ns) const { return slots().At(time_ns).start_ns; }
  // The end of the last window that is over.
  int64_t EndedAt(int64_t now_ns) const { return windows().At(now_ns).start_ns; }

  // `span` extended to whole windows.
  Span Windows(Span span) const;
  // The start of the first window that begins at `time_ns` or later.
  int64_t FirstWindowFrom(int64_t time_ns) const;
  // The first part of `windows` (whole ones) that is to be computed at a time.
  Span FirstPiece(Span windows) const;
  // The first part of `windows` of at most `count` windows.
  Span FirstWindows(Span windows, int64_t count) const;
  // How many windows `span` holds, which is of whole ones.
  uint64_t WindowCount(Span span) const;

  // The SELECT over `span`.
  query::SelectStatement Statement(Span span) const;
  // The same without INTO and without windows that hold nothing, of rows for which `also` (or null)
  // holds, too.
  query::SelectStatement Reading(Span span, const query::ExprPtr& also) const;

  // Whether each window of a group gives one point or none, of that window's points alone, and all
  // points are of one policy: then a point without a reason can be told.
  bool PointsHaveReasons() const;
  // Whether the series of a group are told by all their tags.
  bool GroupsByAllTags() const;

  // Whether the query reads the measurement.
  bool Reads(const std::string& database, const std::string& policy,
             const std::string& measurement) const;
  // Whether what the query writes may be what `other` reads.
  bool Feeds(const QueryPlan& other) const;
  // Whether both may write to one measurement.
  bool SharesTarget(const QueryPlan& other) const;

  struct SourceName {
    std::string database;
    std::string policy;
    std::string name;  // or, when empty, `regex`
    std::shared_ptr<const index::TagRegex> regex;
  };
  const std::vector<SourceName>& sources() const { return sources_; }
  const SourceName& target() const { return target_; }  // an empty name: that of the source
  const std::string& database() const { return database_; }
  const std::string& name() const { return name_; }
  // Divides the distances between windows' starts, or nearly so.
  int64_t grain_ns() const;
  // From one run to the next; of the calendar's windows the mean.
  int64_t every_ns() const { return every_ns_; }

 private:
  QueryPlan() = default;
  void AddSources(const query::SelectStatement& select);
  void AddSource(const query::Source& source);
  query::Windows windows() const { return {interval_, {}, has_zone_, zone_}; }
  // What resampling is aligned to.
  query::Windows slots() const;
  // Where the run at a slot begins, `last_run_ns` being the slot before.
  int64_t StartOf(int64_t next_run_ns, int64_t last_run_ns) const;
  int64_t EndOf(int64_t now_ns) const;

  std::string database_;
  std::string name_;
  query::SelectStatement select_;  // names written out; the condition without times
  query::Interval interval_;
  bool has_zone_ = false;
  absl::TimeZone zone_ = absl::UTCTimeZone();
  bool slots_are_windows_ = false;  // of the calendar, without RESAMPLE EVERY
  int64_t every_ns_ = 0;            // RESAMPLE EVERY, or the interval
  int64_t for_ns_ = 0;              // how far back a run goes; of the calendar's windows, at least
  int64_t ahead_ns_ = 0;  // how much of the present window a run covers; not the calendar's
  bool window_by_window_ = false;  // the answer does not depend on how many windows are asked for
  std::vector<SourceName> sources_;
  SourceName target_;  // an empty name: that of the source
};

}  // namespace varve::retention
