// Points that a continuous query stored and would not store any more, since what they were computed
// of has been deleted.
//
// Before a DELETE the windows it touches are computed once more: what a query says then is what it
// has stored, if nobody else wrote there. Once the points are gone, a stored point whose window
// gives nothing any more, and which is what the query had said (floats to nine digits) with no
// field besides, was that query's own and goes too. All else stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "model/types.h"
#include "query/ast.h"
#include "query/executor.h"
#include "retention/time_ranges.h"

namespace varve::retention {

// A row of an answer as SELECT INTO would write it.
struct StoredPoint {
  const query::SeriesHeader* header = nullptr;
  const std::string& series_key;  // canonical
  int64_t time_ns = 0;
  std::string fields;  // names, types and values of those that are not null, as bytes to compare
};

// Takes the rows of a SELECT; those without any value are passed over.
class PointSink final : public query::ResultSink {
 public:
  using Take = std::function<absl::Status(StoredPoint point)>;
  // `measurement`: that of the points; empty: that of each series of the answer.
  PointSink(std::string measurement, Take take)
      : measurement_(std::move(measurement)), take_(std::move(take)) {}

  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch& batch) override;
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    status_.Update(status);
    return absl::OkStatus();
  }
  // The statement's own.
  const absl::Status& status() const { return status_; }

 private:
  void Begin(const query::SeriesHeader& header);

  const std::string measurement_;
  const Take take_;
  std::string series_key_;
  std::vector<std::pair<std::string, size_t>> columns_;  // by name, without time
  absl::Status status_;
};

// What a query said of windows before points were deleted. One thread at a time.
class StaleCandidates {
 public:
  // Beyond it points are passed over, and stay.
  static constexpr size_t kMaxPoints = 250'000;

  // False when there is no more room.
  bool Add(const std::string& series_key, int64_t time_ns, std::string fields);
  void Merge(StaleCandidates other);
  // The window gives something after all.
  void Remove(const std::string& series_key, int64_t time_ns);
  // Takes out what lies within `span`, and hands it over.
  StaleCandidates Cut(Span span);

  bool empty() const { return points_ == 0; }
  bool Has(const std::string& series_key, int64_t time_ns, const std::string& fields) const;
  // The earliest time from `time_ns` on; INT64_MAX: none.
  int64_t NextTime(int64_t time_ns) const;
  // The measurements of the series.
  std::vector<std::string> Measurements() const;

 private:
  // By time what was said; more than once, where points were deleted one after the other.
  using Times = std::map<int64_t, std::vector<std::string>>;

  absl::flat_hash_map<std::string, Times> series_;
  size_t points_ = 0;
};

// Gathers what is to be removed of the stored points of a measurement, given in the order a SELECT
// has them, and makes the DELETE statements: over no time in which a point of the series stays.
class Removals {
 public:
  Removals(std::string policy, std::string measurement)
      : policy_(std::move(policy)), measurement_(std::move(measurement)) {}

  void Add(const StoredPoint& point, bool stale);
  // To be called once, behind the last point.
  std::vector<std::string> Finish();

 private:
  void CloseRun();

  const std::string policy_;
  const std::string measurement_;
  std::string series_key_;
  query::ExprPtr series_;  // its tags as a condition; null: it has none
  bool open_ = false;      // the run may go on
  std::pair<int64_t, int64_t> run_;
  // Which series lose the points from a time to a time, both included.
  std::map<std::pair<int64_t, int64_t>, std::vector<query::ExprPtr>> runs_;
};

}  // namespace varve::retention
