// The statements other than SELECT: one function each, called by the executor in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "meta/catalog.h"
#include "query/ast.h"
#include "query/executor.h"
#include "query/query_registry.h"

namespace varve::query {

// What one statement of a request runs with. Everything outlives the call.
struct StatementContext {
  const Executor::Environment& environment;
  const QueryRequest& request;
  QueryRegistry& registry;
  ResultSink& sink;
  int64_t now_ns = 0;
  std::function<absl::Status()> interrupted;

  meta::Catalog& catalog() const { return *environment.catalog; }
  engine::Store& store() const { return *environment.store; }
};

// Each answers through context.sink and returns the statement's error with InfluxDB's text, or the
// sink's own.
absl::Status RunStatement(const CreateDatabase& statement, const StatementContext& context);
absl::Status RunStatement(const DropDatabase& statement, const StatementContext& context);
absl::Status RunStatement(const CreateRetentionPolicy& statement, const StatementContext& context);
absl::Status RunStatement(const AlterRetentionPolicy& statement, const StatementContext& context);
absl::Status RunStatement(const DropRetentionPolicy& statement, const StatementContext& context);
absl::Status RunStatement(const CreateContinuousQuery& statement, const StatementContext& context);
absl::Status RunStatement(const DropContinuousQuery& statement, const StatementContext& context);
absl::Status RunStatement(const BackfillContinuousQuery& statement,
                          const StatementContext& context);
absl::Status RunStatement(const CreateSubscription& statement, const StatementContext& context);
absl::Status RunStatement(const DropSubscription& statement, const StatementContext& context);
absl::Status RunStatement(const CreateUser& statement, const StatementContext& context);
absl::Status RunStatement(const DropUser& statement, const StatementContext& context);
absl::Status RunStatement(const SetPassword& statement, const StatementContext& context);
absl::Status RunStatement(const Grant& statement, const StatementContext& context);
absl::Status RunStatement(const GrantAdmin& statement, const StatementContext& context);
absl::Status RunStatement(const Revoke& statement, const StatementContext& context);
absl::Status RunStatement(const RevokeAdmin& statement, const StatementContext& context);
absl::Status RunStatement(const DeleteSeries& statement, const StatementContext& context);
absl::Status RunStatement(const DropSeries& statement, const StatementContext& context);
absl::Status RunStatement(const DropMeasurement& statement, const StatementContext& context);
absl::Status RunStatement(const DropShard& statement, const StatementContext& context);
absl::Status RunStatement(const KillQuery& statement, const StatementContext& context);
absl::Status RunStatement(const ShowDatabases& statement, const StatementContext& context);
absl::Status RunStatement(const ShowRetentionPolicies& statement, const StatementContext& context);
absl::Status RunStatement(const ShowMeasurements& statement, const StatementContext& context);
absl::Status RunStatement(const ShowSeries& statement, const StatementContext& context);
absl::Status RunStatement(const ShowTagKeys& statement, const StatementContext& context);
absl::Status RunStatement(const ShowTagValues& statement, const StatementContext& context);
absl::Status RunStatement(const ShowFieldKeys& statement, const StatementContext& context);
absl::Status RunStatement(const ShowCardinality& statement, const StatementContext& context);
absl::Status RunStatement(const ShowContinuousQueries& statement, const StatementContext& context);
absl::Status RunStatement(const ShowContinuousQueryStatus& statement,
                          const StatementContext& context);
absl::Status RunStatement(const ShowMeasurementRetention& statement,
                          const StatementContext& context);
absl::Status RunStatement(const ShowSubscriptions& statement, const StatementContext& context);
absl::Status RunStatement(const ShowUsers& statement, const StatementContext& context);
absl::Status RunStatement(const ShowGrants& statement, const StatementContext& context);
absl::Status RunStatement(const ShowQueries& statement, const StatementContext& context);
absl::Status RunStatement(const ShowShards& statement, const StatementContext& context);
absl::Status RunStatement(const ShowShardGroups& statement, const StatementContext& context);
absl::Status RunStatement(const ShowStats& statement, const StatementContext& context);
absl::Status RunStatement(const ShowDiagnostics& statement, const StatementContext& context);

// The statement's own database, or the request's; may be empty.
inline const std::string& DatabaseOf(const std::string& own, const StatementContext& context) {
  return own.empty() ? context.request.database : own;
}
absl::Status DatabaseRequired();                           // "database name required"
absl::Status DatabaseNotFound(std::string_view database);  // "database not found: x"

// A name of FROM or INTO written out: the database and policy it means. INVALID_ARGUMENT or
// NOT_FOUND with InfluxDB's text when there is no such database, or no default policy.
absl::Status FillNames(Measurement* measurement, std::string_view default_database,
                       std::string_view default_policy, const meta::CatalogData& catalog);
// The same for every name in a SELECT, subqueries included.
absl::Status FillNames(SelectStatement* statement, std::string_view default_database,
                       std::string_view default_policy, const meta::CatalogData& catalog);

// Go's time.Duration.String(): "168h0m0s", "1.5s", "10µs".
std::string FormatGoDuration(int64_t ns);

}  // namespace varve::query
