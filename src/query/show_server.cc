// SHOW of what the server keeps and does: databases, policies, shards, users, queries, statistics.
#include "absl/time/time.h"
#include "base/status.h"
#include "query/privileges.h"
#include "query/row_writer.h"
#include "query/statements.h"

namespace varve::query {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

std::string FormatSeconds(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// When a shard group of a policy goes; empty for never.
std::string ExpiryOf(const meta::RetentionPolicy& policy, const meta::ShardGroup& group) {
  if (policy.duration_ns == 0) return "";
  return FormatSeconds(absl::FromUnixNanos(group.range.max_ns) + absl::Nanoseconds(1) +
                       absl::Nanoseconds(policy.duration_ns));
}
std::string StartOf(const meta::ShardGroup& group) {
  return FormatSeconds(absl::FromUnixNanos(group.range.min_ns));
}
std::string EndOf(const meta::ShardGroup& group) {
  return FormatSeconds(absl::FromUnixNanos(group.range.max_ns) + absl::Nanoseconds(1));
}

// Whole units only: seconds from a second on, and so on.
std::string RoundedDuration(int64_t ns) {
  for (const int64_t unit : {kSecondNs, int64_t{1'000'000}, int64_t{1'000}}) {
    if (ns > unit) return FormatGoDuration(ns - ns % unit);
  }
  return FormatGoDuration(ns);
}

Cell CellOf(const std::variant<double, int64_t, std::string>& value) {
  if (const auto* number = std::get_if<double>(&value)) return Cell::Float(*number);
  if (const auto* integer = std::get_if<int64_t>(&value)) return Cell::Integer(*integer);
  return Cell::String(std::get<std::string>(value));
}

absl::Status WriteStatistics(const std::function<std::vector<StatisticsRow>()>& source,
                             std::string_view module, const StatementContext& context) {
  if (!source) return absl::OkStatus();
  RowWriter out(context.sink);
  const std::vector<StatisticsRow> rows = source();  // borrowed until Finish()
  for (const StatisticsRow& row : rows) {
    if (!module.empty() && row.module != module) continue;
    RETURN_IF_ERROR(out.Begin({row.module, row.tags, row.names, ""}));
    std::vector<Cell> cells;
    for (const auto& value : row.values) cells.push_back(CellOf(value));
    RETURN_IF_ERROR(out.Add(cells));
  }
  return out.Finish();
}

}  // namespace

absl::Status RunStatement(const ShowDatabases&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  const Principal* principal = context.request.principal;
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"databases", {}, {"name"}, ""}));
  for (const meta::Database& database : catalog->databases) {
    if (!MayUse(principal, database.name, meta::Privilege::kRead) &&
        !MayUse(principal, database.name, meta::Privilege::kWrite)) {
      continue;
    }
    RETURN_IF_ERROR(out.Add({Cell::String(database.name)}));
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowMeasurementRetention& statement,
                          const StatementContext& context) {
  const std::string& name = DatabaseOf(statement.database, context);
  if (name.empty()) return DatabaseRequired();
  const auto catalog = context.catalog().Get();
  const meta::Database* database = catalog->FindDatabase(name);
  if (database == nullptr) return DatabaseNotFound(name);
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, {"policy", "measurement", "duration"}, ""}));
  for (const meta::RetentionPolicy& policy : database->policies) {
    for (const auto& [measurement, duration_ns] : policy.measurements) {
      RETURN_IF_ERROR(out.Add({Cell::String(policy.name), Cell::String(measurement),
                               Cell::String(out.Keep(FormatGoDuration(duration_ns)))}));
    }
  }
  return out.Finish();
}

// InfluxDB 1.12 has two more columns; they are here when a policy of the database uses them.
absl::Status RunStatement(const ShowRetentionPolicies& statement, const StatementContext& context) {
  const std::string& name = DatabaseOf(statement.database, context);
  if (name.empty()) return DatabaseRequired();
  const auto catalog = context.catalog().Get();
  const meta::Database* database = catalog->FindDatabase(name);
  if (database == nullptr) return DatabaseNotFound(name);

  bool limits = false;
  for (const meta::RetentionPolicy& policy : database->policies) {
    limits = limits || policy.future_write_limit_ns.has_value() ||
             policy.past_write_limit_ns.has_value();
  }
  std::vector<std::string> columns = {"name", "duration", "shardGroupDuration", "replicaN"};
  if (limits) columns.insert(columns.end(), {"futureWriteLimit", "pastWriteLimit"});
  columns.push_back("default");

  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, std::move(columns), ""}));
  for (const meta::RetentionPolicy& policy : database->policies) {
    const auto duration = [&](int64_t ns) { return Cell::String(out.Keep(FormatGoDuration(ns))); };
    std::vector<Cell> cells = {Cell::String(policy.name), duration(policy.duration_ns),
                               duration(policy.shard_group_duration_ns),
                               Cell::Integer(policy.replication)};
    if (limits) {
      cells.push_back(duration(policy.future_write_limit_ns.value_or(0)));
      cells.push_back(duration(policy.past_write_limit_ns.value_or(0)));
    }
    cells.push_back(Cell::Boolean(policy.name == database->default_policy));
    RETURN_IF_ERROR(out.Add(cells));
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowContinuousQueries&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  RowWriter out(context.sink);
  for (const meta::Database& database : catalog->databases) {
    if (!MayUse(context.request.principal, database.name, meta::Privilege::kRead)) continue;
    RETURN_IF_ERROR(out.Begin({database.name, {}, {"name", "query"}, ""}));
    for (const meta::ContinuousQuery& query : database.continuous_queries) {
      RETURN_IF_ERROR(out.Add({Cell::String(query.name), Cell::String(query.query)}));
    }
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowContinuousQueryStatus&, const StatementContext& context) {
  const ContinuousQueries* const queries = context.environment.continuous_queries;
  if (queries == nullptr) return base::InvalidArgument("continuous queries are disabled");
  const auto time = [](int64_t ns) { return ns == 0 ? Cell::Null() : Cell::Time(ns); };
  const auto count = [](uint64_t n) { return Cell::Integer(static_cast<int64_t>(n)); };
  const auto list = queries->Status();  // borrowed until Finish()
  RowWriter out(context.sink);
  const std::string* database = nullptr;
  for (const ContinuousQueryStatus& query : list) {
    if (!MayUse(context.request.principal, query.database, meta::Privilege::kRead)) continue;
    if (database == nullptr || *database != query.database) {
      database = &query.database;
      RETURN_IF_ERROR(
          out.Begin({query.database,
                     {},
                     {"name", "last_run", "next_run", "done_until", "lag", "runs", "written",
                      "windows_recomputed", "windows_pending", "errors", "last_error"},
                     ""}));
    }
    RETURN_IF_ERROR(out.Add(
        {Cell::String(query.name), time(query.last_run_ns), time(query.next_run_ns),
         time(query.done_until_ns), Cell::String(out.Keep(RoundedDuration(query.lag_ns))),
         count(query.runs), count(query.points_written), count(query.windows_recomputed),
         count(query.windows_pending), count(query.errors), Cell::String(query.last_error)}));
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowSubscriptions&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  RowWriter out(context.sink);
  for (const meta::Database& database : catalog->databases) {
    if (database.subscriptions.empty()) continue;
    RETURN_IF_ERROR(
        out.Begin({database.name, {}, {"retention_policy", "name", "mode", "destinations"}, ""}));
    for (const meta::Subscription& s : database.subscriptions) {
      std::string destinations;
      for (const std::string& url : s.destinations) destinations.append(url).push_back('\0');
      RETURN_IF_ERROR(
          out.Add({Cell::String(s.retention_policy), Cell::String(s.name), Cell::String(s.mode),
                   Cell::List(out.Keep(std::move(destinations)))}));
    }
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowUsers&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, {"user", "admin"}, ""}));
  for (const meta::User& user : catalog->users) {
    RETURN_IF_ERROR(out.Add({Cell::String(user.name), Cell::Boolean(user.admin)}));
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowGrants& statement, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  const meta::User* user = catalog->FindUser(statement.user);
  if (user == nullptr) return base::NotFound("user not found");
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, {"database", "privilege"}, ""}));
  for (const auto& [database, privilege] : user->privileges) {
    RETURN_IF_ERROR(
        out.Add({Cell::String(database), Cell::String(meta::PrivilegeName(privilege))}));
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowQueries&, const StatementContext& context) {
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, {"qid", "query", "database", "duration", "status"}, ""}));
  const auto list = context.registry.List();  // borrowed until Finish()
  for (const auto& running : list) {
    const bool killed = running->killed.load(std::memory_order_relaxed);
    RETURN_IF_ERROR(
        out.Add({Cell::Integer(static_cast<int64_t>(running->id)), Cell::String(running->text),
                 Cell::String(running->database),
                 Cell::String(out.Keep(RoundedDuration(context.registry.AgeNs(*running)))),
                 Cell::String(killed ? "killed" : "running")}));
  }
  return out.Finish();
}

namespace {

// What InfluxDB has no word for comes behind what it has, and only when there is something to tell.
absl::Status WriteDroppedShards(const std::vector<DroppedShard>& dropped, RowWriter& out) {
  if (dropped.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(out.Begin(
      {"dropped shards",
       {},
       {"id", "database", "retention_policy", "start_time", "end_time", "dropped_time", "bytes"},
       ""}));
  const auto time = [&](int64_t ns) {
    return Cell::String(out.Keep(FormatSeconds(absl::FromUnixNanos(ns))));
  };
  for (const DroppedShard& shard : dropped) {
    RETURN_IF_ERROR(
        out.Add({Cell::Integer(static_cast<int64_t>(shard.shard)), Cell::String(shard.database),
                 Cell::String(shard.policy), time(shard.range.min_ns), time(shard.range.max_ns + 1),
                 time(shard.dropped_ns), Cell::Integer(static_cast<int64_t>(shard.bytes))}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStatement(const ShowShards&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  RowWriter out(context.sink);
  for (const meta::Database& database : catalog->databases) {
    RETURN_IF_ERROR(out.Begin({database.name,
                               {},
                               {"id", "database", "retention_policy", "shard_group", "start_time",
                                "end_time", "expiry_time", "owners"},
                               ""}));
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        RETURN_IF_ERROR(
            out.Add({Cell::Integer(static_cast<int64_t>(group.shard)), Cell::String(database.name),
                     Cell::String(policy.name), Cell::Integer(static_cast<int64_t>(group.id)),
                     Cell::String(out.Keep(StartOf(group))), Cell::String(out.Keep(EndOf(group))),
                     Cell::String(out.Keep(ExpiryOf(policy, group))), Cell::String("")}));
      }
    }
  }
  const auto& dropped_shards = context.environment.facts.dropped_shards;
  // Cells borrow the names until Finish().
  std::vector<DroppedShard> dropped;
  if (dropped_shards) dropped = dropped_shards();
  RETURN_IF_ERROR(WriteDroppedShards(dropped, out));
  return out.Finish();
}

absl::Status RunStatement(const ShowShardGroups&, const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  RowWriter out(context.sink);
  RETURN_IF_ERROR(
      out.Begin({"shard groups",
                 {},
                 {"id", "database", "retention_policy", "start_time", "end_time", "expiry_time"},
                 ""}));
  for (const meta::Database& database : catalog->databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        RETURN_IF_ERROR(
            out.Add({Cell::Integer(static_cast<int64_t>(group.id)), Cell::String(database.name),
                     Cell::String(policy.name), Cell::String(out.Keep(StartOf(group))),
                     Cell::String(out.Keep(EndOf(group))),
                     Cell::String(out.Keep(ExpiryOf(policy, group)))}));
      }
    }
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowStats& statement, const StatementContext& context) {
  return WriteStatistics(context.environment.facts.statistics, statement.module, context);
}

absl::Status RunStatement(const ShowDiagnostics& statement, const StatementContext& context) {
  return WriteStatistics(context.environment.facts.diagnostics, statement.module, context);
}

}  // namespace varve::query
