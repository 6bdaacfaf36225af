// DELETE, DROP SERIES, DROP MEASUREMENT.
#include <map>

#include "base/status.h"
#include "query/schema_reader.h"
#include "query/select.h"
#include "query/statements.h"

namespace varve::query {
namespace {

struct Deletion {
  const std::vector<Source>& sources;
  SplitCondition where;
  bool drop_series = false;
  bool drop_fields = false;
};

// The shard whose data cannot be told apart by tags alone; shown in the error only.
model::ShardId FirstShardWith(const std::vector<engine::KnownShard>& shards,
                              std::string_view measurement, model::DatabaseId database,
                              engine::Store& store) {
  for (const engine::KnownShard& shard : shards) {
    const auto view = store.OpenView(database, {shard});
    if (view.ok() && (*view)->HasMeasurement(measurement)) return shard.shard;
  }
  return shards.empty() ? 0 : shards.front().shard;
}

// What deletes the points within `range` from the shards of `policy`, of all policies when that is
// empty. Each measurement has its own fields, and so its own predicate.
absl::Status AddRequests(const Deletion& deletion, const std::string& policy,
                         const std::vector<Source>& sources, const meta::Database& database,
                         const model::TimeRange& range, engine::Store& store,
                         std::vector<engine::DeleteRequest>* requests) {
  const std::vector<engine::KnownShard> shards = ShardsOf(database, policy, range);
  if (shards.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ViewPtr view, store.OpenView(database.id, shards));

  engine::DeleteRequest base_request;
  base_request.database = database.id;
  for (const engine::KnownShard& shard : shards) base_request.shards.push_back(shard.shard);
  base_request.range = range;
  base_request.drop_series = deletion.drop_series;
  base_request.drop_fields = deletion.drop_fields;

  const size_t first = requests->size();
  for (const std::string& measurement : MeasurementsOf(*view, sources)) {
    TagCondition tags = BuildTagPredicate(deletion.where.condition, ShapeOf(*view, measurement));
    if (!tags.exact) {
      return base::InvalidArgument("shard ",
                                   FirstShardWith(shards, measurement, database.id, store),
                                   ": fields not supported in WHERE clause during deletion");
    }
    if (tags.predicate.kind == index::TagPredicate::Kind::kNone) continue;
    if (deletion.where.condition == nullptr && requests->size() > first) {
      requests->back().measurements.push_back(measurement);  // all alike: one record in the log
      continue;
    }
    requests->push_back(base_request);
    requests->back().measurements = {measurement};
    requests->back().predicate = std::move(tags.predicate);
  }
  return absl::OkStatus();
}

// Series that are dropped keep what was computed of them.
std::function<void()> Announce(const Deletion& deletion, const TimeRanges& ranges,
                               const std::vector<engine::DeleteRequest>& requests,
                               const StatementContext& context) {
  ContinuousQueries* const queries = context.environment.continuous_queries;
  if (queries == nullptr || deletion.drop_series || requests.empty()) return nullptr;
  const auto read = [&](const SelectStatement& select, ResultSink& sink) -> absl::Status {
    RETURN_IF_ERROR(context.interrupted());
    SelectContext own;
    own.environment = &context.environment;
    own.now_ns = context.now_ns;
    own.interrupted = context.interrupted;
    return RunSelect(select, own, sink);
  };
  return queries->BeforeDelete(
      {context.request.database, deletion.sources, deletion.where.condition, ranges}, read);
}

// All requests are made before the first deletes, so that a condition that cannot be met deletes
// nothing.
absl::Status Delete(const Deletion& deletion, const StatementContext& context) {
  const std::string& name = context.request.database;
  const auto catalog = context.catalog().Get();
  const meta::Database* database = catalog->FindDatabase(name);
  if (database == nullptr) return DatabaseNotFound(name);

  // No source at all means every measurement.
  std::map<std::string, std::vector<Source>> by_policy;
  for (const Source& source : deletion.sources) {
    by_policy[std::get<Measurement>(source.node).retention_policy].push_back(source);
  }
  if (by_policy.empty()) by_policy[""] = {};
  engine::Store& store = context.store();
  const TimeRanges ranges = deletion.where.Times();
  std::vector<engine::DeleteRequest> requests;
  for (const auto& [policy, sources] : by_policy) {
    if (!policy.empty() && database->FindPolicy(policy) == nullptr) {
      return base::NotFound("retention policy not found: ", policy);
    }
    for (const model::TimeRange& range : ranges) {
      RETURN_IF_ERROR(AddRequests(deletion, policy, sources, *database, range, store, &requests));
    }
  }
  const std::function<void()> deleted = Announce(deletion, ranges, requests, context);
  absl::Status status;
  for (const engine::DeleteRequest& request : requests) {
    status.Update(context.interrupted());
    if (status.ok()) status.Update(store.Delete(request));
  }
  if (deleted) deleted();
  return status;
}

absl::StatusOr<SplitCondition> SplitWhere(const ExprPtr& where, const StatementContext& context) {
  TimeContext time;
  time.now_ns = context.now_ns;
  return SplitTime(where, time);
}

}  // namespace

absl::Status RunStatement(const DeleteSeries& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(SplitCondition where, SplitWhere(statement.condition, context));
  return Delete({statement.sources, std::move(where)}, context);
}

absl::Status RunStatement(const DropSeries& statement, const StatementContext& context) {
  if (statement.condition != nullptr && HasTime(*statement.condition)) {
    return base::InvalidArgument("DROP SERIES doesn't support time in WHERE clause");
  }
  ASSIGN_OR_RETURN(SplitCondition where, SplitWhere(statement.condition, context));
  return Delete({statement.sources, std::move(where), /*drop_series=*/true}, context);
}

absl::Status RunStatement(const DropMeasurement& statement, const StatementContext& context) {
  Measurement measurement;
  measurement.name = statement.name;
  const std::vector<Source> sources = {Source{std::move(measurement)}};
  return Delete({sources, {}, /*drop_series=*/true, /*drop_fields=*/true}, context);
}

}  // namespace varve::query
