// What continuous queries do about points that are deleted: stale_points.h.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "retention/continuous_queries.h"

namespace varve::retention {
namespace {

using query::ExprPtr;

// How many windows are read at a time: those that hold nothing cost next to nothing.
constexpr int64_t kWindowsPerReading = 10'000;

bool Covers(const query::DeletedPoints& points, const std::string& policy,
            const std::string& measurement) {
  if (points.sources.empty()) return true;
  return std::any_of(points.sources.begin(), points.sources.end(), [&](const auto& source) {
    const auto* m = std::get_if<query::Measurement>(&source.node);
    if (m == nullptr || (!m->retention_policy.empty() && m->retention_policy != policy)) {
      return false;
    }
    return m->regex != nullptr ? m->regex->Matches(measurement) : m->name == measurement;
  });
}

bool MayCover(const query::DeletedPoints& points, const QueryPlan::SourceName& source) {
  if (source.database != points.database) return false;
  if (source.regex == nullptr) return Covers(points, source.policy, source.name);
  return points.sources.empty() ||
         std::any_of(points.sources.begin(), points.sources.end(), [&](const auto& deleted) {
           const auto* m = std::get_if<query::Measurement>(&deleted.node);
           return m != nullptr && (m->regex != nullptr || source.regex->Matches(m->name));
         });
}

// All that is stored of a measurement in `span`, series by series.
query::SelectStatement StoredPoints(const QueryPlan::SourceName& target, const std::string& name,
                                    Span span) {
  const auto compare = [](query::Operator op, int64_t ns) {
    return query::MakeExpr(query::BinaryExpr{op, query::MakeExpr(query::VarRef{"time"}),
                                             query::MakeExpr(query::TimeLiteral{ns})});
  };
  query::SelectStatement select;
  select.fields.push_back({query::MakeExpr(query::Wildcard{}), ""});
  select.dimensions.push_back({query::MakeExpr(query::Wildcard{})});
  query::Measurement measurement;
  measurement.database = target.database;
  measurement.retention_policy = target.policy;
  measurement.name = name;
  select.sources.push_back({std::move(measurement)});
  select.condition = query::MakeExpr(
      query::BinaryExpr{query::Operator::kAnd, compare(query::Operator::kGte, span.start_ns),
                        compare(query::Operator::kLt, span.end_ns)});
  return select;
}

class NoSink final : public query::ResultSink {
 public:
  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch&) override { return absl::OkStatus(); }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    status_.Update(status);
    return absl::OkStatus();
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace

bool ContinuousQueryService::OwnsTarget(const QueryPlan& plan) const {
  return plan.PointsHaveReasons() &&
         std::none_of(entries_.begin(), entries_.end(), [&](const auto& item) {
           const QueryPlan* other = item.second.plan.get();
           return other != nullptr && other != &plan && other->SharesTarget(plan);
         });
}

std::vector<ContinuousQueryService::ReadingPlan> ContinuousQueryService::PlansOf(
    const query::DeletedPoints& points) {
  std::vector<ReadingPlan> plans;
  for (const auto& [key, entry] : entries_) {
    if (!entry.tracked || !entry.threshold.has_value()) continue;
    const auto& sources = entry.plan->sources();
    if (std::any_of(sources.begin(), sources.end(),
                    [&](const auto& source) { return MayCover(points, source); }) &&
        OwnsTarget(*entry.plan)) {
      plans.push_back({key, entry.plan, *entry.threshold});
    }
  }
  return plans;
}

StaleCandidates ContinuousQueryService::ReadCandidates(const ReadingPlan& reading,
                                                       const query::DeletedPoints& points,
                                                       const Reader& read) const {
  const QueryPlan& plan = *reading.plan;
  const std::string& policy = plan.sources().front().policy;
  StaleCandidates candidates;
  // Groups that lose points, where a group may hold other series, too.
  StaleCandidates touched;
  const bool by_series = points.condition == nullptr || plan.GroupsByAllTags();
  const auto deleted = [&](const StoredPoint& point) {
    return Covers(points, policy, point.header->name);
  };
  PointSink touching(plan.target().name, [&](const StoredPoint& point) {
    if (deleted(point) && !touched.Add(point.series_key, point.time_ns, "")) {
      return base::ResourceExhausted("more points than are looked at");
    }
    return absl::OkStatus();
  });
  PointSink saying(plan.target().name, [&](StoredPoint point) {
    if (!deleted(point)) return absl::OkStatus();
    if (!by_series && !touched.Has(point.series_key, point.time_ns, "")) return absl::OkStatus();
    return candidates.Add(point.series_key, point.time_ns, std::move(point.fields))
               ? absl::OkStatus()
               : base::ResourceExhausted("more points than are looked at");
  });
  for (const model::TimeRange& range : points.ranges) {
    Span rest = plan.Windows({range.min_ns, std::min(range.max_ns, model::kMaxTimeNs - 1) + 1});
    rest.end_ns = std::min(rest.end_ns, reading.threshold);
    for (rest = Complete(plan, rest); rest.start_ns < rest.end_ns;) {
      const Span piece = plan.FirstWindows(rest, kWindowsPerReading);
      rest.start_ns = piece.end_ns;
      absl::Status status;
      if (!by_series) status = read(plan.Reading(piece, points.condition), touching);
      const bool all = by_series || !touched.empty();
      if (status.ok() && all) {
        status = read(plan.Reading(piece, by_series ? points.condition : nullptr), saying);
      }
      // What cannot be read now stays: a DELETE does not fail for it.
      if (!status.ok()) return candidates;
    }
  }
  return candidates;
}

std::function<void()> ContinuousQueryService::BeforeDelete(const query::DeletedPoints& points,
                                                           const Reader& read) {
  std::vector<ReadingPlan> plans;
  {
    absl::MutexLock lock(&mu_);
    SyncEntries();
    plans = PlansOf(points);
  }
  auto found = std::make_shared<std::vector<std::pair<QueryKey, StaleCandidates>>>();
  for (const ReadingPlan& reading : plans) {
    StaleCandidates candidates = ReadCandidates(reading, points, read);
    if (!candidates.empty()) found->emplace_back(reading.key, std::move(candidates));
  }
  if (found->empty()) return nullptr;
  return [this, found] {
    absl::MutexLock lock(&mu_);
    for (auto& [key, candidates] : *found) {
      const auto entry = entries_.find(key);
      if (entry != entries_.end()) entry->second.stale.Merge(std::move(candidates));
    }
  };
}

absl::Status ContinuousQueryService::ReadText(const query::SelectStatement& statement,
                                              PointSink& sink) {
  RETURN_IF_ERROR(RunText("", query::Format(statement), sink));
  return sink.status();
}

absl::Status ContinuousQueryService::RemoveStale(const QueryKey& key) {
  std::shared_ptr<const QueryPlan> plan;
  StaleCandidates candidates;
  {
    absl::MutexLock lock(&mu_);
    SyncEntries();
    const auto found = entries_.find(key);
    if (found == entries_.end()) return absl::OkStatus();
    candidates = std::exchange(found->second.stale, {});
    plan = found->second.plan;
    if (candidates.empty() || !OwnsTarget(*plan)) return absl::OkStatus();
  }
  for (int64_t next = candidates.NextTime(INT64_MIN); next != INT64_MAX;
       next = candidates.NextTime(next)) {
    Span piece = plan->Windows({next, next + 1});
    for (int64_t at = next; at - next < kWindowsPerReading; ++at) {
      const int64_t following = candidates.NextTime(piece.end_ns);
      if (following != piece.end_ns) break;
      piece.end_ns = plan->Windows({following, following + 1}).end_ns;
    }
    absl::MutexLock writing(&target_mu_);
    RETURN_IF_ERROR(RemoveStale(*plan, piece, candidates.Cut(piece)));
  }
  return absl::OkStatus();
}

absl::Status ContinuousQueryService::RemoveStale(const QueryPlan& plan, Span piece,
                                                 StaleCandidates candidates) {
  std::vector<std::string> statements;
  absl::Status status;
  const auto tell = [&] {
    // What retention has cut meanwhile says nothing any more.
    if (Complete(plan, piece) != piece) return;
    PointSink present(plan.target().name, [&](const StoredPoint& point) {
      candidates.Remove(point.series_key, point.time_ns);
      return absl::OkStatus();
    });
    status = ReadText(plan.Reading(piece, nullptr), present);
    for (const std::string& name : candidates.Measurements()) {
      if (!status.ok()) return;
      Removals removals(plan.target().policy, name);
      PointSink stored(name, [&](const StoredPoint& point) {
        removals.Add(point, candidates.Has(point.series_key, point.time_ns, point.fields));
        return absl::OkStatus();
      });
      status = ReadText(StoredPoints(plan.target(), name, piece), stored);
      for (std::string& text : removals.Finish()) statements.push_back(std::move(text));
    }
  };
  // No shard may go between the look at what is complete and the reading of it.
  if (enforcer_ != nullptr) {
    enforcer_->WithoutDrops(tell);
  } else {
    tell();
  }
  RETURN_IF_ERROR(status);
  for (std::string& text : statements) {
    NoSink sink;
    RETURN_IF_ERROR(RunText(plan.target().database, std::move(text), sink));
    RETURN_IF_ERROR(sink.status());
  }
  return absl::OkStatus();
}

}  // namespace varve::retention
