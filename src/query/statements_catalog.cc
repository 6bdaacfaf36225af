// Databases, retention policies, continuous queries, subscriptions, users: changes of the catalog.
#include "base/status.h"
#include "query/row_writer.h"
#include "query/select.h"
#include "query/statements.h"

namespace varve::query {
namespace {

meta::PolicySpec SpecOf(const PolicyClause& clause) {
  meta::PolicySpec spec;
  spec.name = clause.name;
  spec.duration_ns = clause.duration_ns;
  spec.shard_group_duration_ns = clause.shard_duration_ns;
  if (clause.replication.has_value()) spec.replication = static_cast<int>(*clause.replication);
  spec.future_write_limit_ns = clause.future_limit_ns;
  spec.past_write_limit_ns = clause.past_limit_ns;
  if (clause.measurement.has_value()) {
    spec.measurements = {{clause.measurement->first, clause.measurement->second}};
  }
  return spec;
}

meta::Privilege PrivilegeOf(PrivilegeWord word) {
  switch (word) {
    case PrivilegeWord::kRead:
      return meta::Privilege::kRead;
    case PrivilegeWord::kWrite:
      return meta::Privilege::kWrite;
    case PrivilegeWord::kAll:
      break;
  }
  return meta::Privilege::kAll;
}

// Takes the one row that SELECT INTO answers.
class WrittenCount final : public ResultSink {
 public:
  uint64_t points() const { return points_; }
  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const RowBatch& batch) override {
    points_ = static_cast<uint64_t>(batch.cells.back().integer_value);
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status&) override { return absl::OkStatus(); }

 private:
  uint64_t points_ = 0;
};

absl::Status DropShards(const std::vector<meta::DroppedShard>& shards, engine::Store& store) {
  // The catalog no longer names them, so a crash from here on leaves nothing behind: the store
  // removes unknown shards when it opens.
  for (const meta::DroppedShard& dropped : shards) {
    RETURN_IF_ERROR(store.DropShard(dropped.database, dropped.shard));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStatement(const CreateDatabase& statement, const StatementContext& context) {
  std::optional<meta::PolicySpec> spec;
  if (statement.policy.has_value()) spec = SpecOf(*statement.policy);
  return context.catalog().CreateDatabase(statement.name, spec);
}

absl::Status RunStatement(const DropDatabase& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(const std::optional<model::DatabaseId> dropped,
                   context.catalog().DropDatabase(statement.name));
  return dropped.has_value() ? context.store().DropDatabase(*dropped) : absl::OkStatus();
}

absl::Status RunStatement(const CreateRetentionPolicy& statement, const StatementContext& context) {
  return context.catalog().CreateRetentionPolicy(statement.database, SpecOf(statement.policy),
                                                 statement.policy.make_default);
}

absl::Status RunStatement(const AlterRetentionPolicy& statement, const StatementContext& context) {
  return context.catalog().AlterRetentionPolicy(statement.database, SpecOf(statement.policy),
                                                statement.policy.make_default);
}

absl::Status RunStatement(const DropRetentionPolicy& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(const std::vector<meta::DroppedShard> dropped,
                   context.catalog().DropRetentionPolicy(statement.database, statement.name));
  return DropShards(dropped, context.store());
}

absl::Status RunStatement(const DropShard& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(const std::vector<meta::DroppedShard> dropped,
                   context.catalog().DropShards({statement.id}));
  return DropShards(dropped, context.store());
}

absl::Status RunStatement(const CreateContinuousQuery& statement, const StatementContext& context) {
  // Names without a database mean the query's own.
  const auto catalog = context.catalog().Get();
  const std::string& database =
      context.request.database.empty() ? statement.database : context.request.database;
  SelectStatement select = *statement.source;
  RETURN_IF_ERROR(FillNames(&select, database, context.request.retention_policy, *catalog));
  CreateContinuousQuery filled = statement;
  filled.source = std::make_shared<const SelectStatement>(std::move(select));
  return context.catalog().CreateContinuousQuery(statement.database, statement.name,
                                                 Format(Statement{std::move(filled)}));
}

absl::Status RunStatement(const DropContinuousQuery& statement, const StatementContext& context) {
  return context.catalog().DropContinuousQuery(statement.database, statement.name);
}

absl::Status RunStatement(const BackfillContinuousQuery& statement,
                          const StatementContext& context) {
  ContinuousQueries* const queries = context.environment.continuous_queries;
  if (queries == nullptr) return base::InvalidArgument("continuous queries are disabled");
  const auto run = [&](const SelectStatement& select) -> absl::StatusOr<uint64_t> {
    RETURN_IF_ERROR(context.interrupted());
    SelectContext own;
    own.environment = &context.environment;
    own.database = statement.database;
    own.now_ns = context.now_ns;
    own.interrupted = context.interrupted;
    WrittenCount written;
    RETURN_IF_ERROR(RunSelect(select, own, written));
    return written.points();
  };
  ASSIGN_OR_RETURN(const BackfillResult result,
                   queries->Backfill(statement.database, statement.name, statement.from_ns,
                                     statement.to_ns, run));
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"backfill", {}, {"time", "until", "windows", "written"}, ""}));
  if (!result.range.empty()) {
    RETURN_IF_ERROR(out.Add({Cell::Time(result.range.min_ns), Cell::Time(result.range.max_ns + 1),
                             Cell::Integer(static_cast<int64_t>(result.windows)),
                             Cell::Integer(static_cast<int64_t>(result.points_written))}));
  }
  return out.Finish();
}

absl::Status RunStatement(const CreateSubscription& statement, const StatementContext& context) {
  return context.catalog().CreateSubscription(
      statement.database,
      {statement.retention_policy, statement.name, statement.mode, statement.destinations});
}

absl::Status RunStatement(const DropSubscription& statement, const StatementContext& context) {
  return context.catalog().DropSubscription(statement.database, statement.retention_policy,
                                            statement.name);
}

absl::Status RunStatement(const CreateUser& statement, const StatementContext& context) {
  return context.catalog().CreateUser(statement.name, statement.password, statement.admin);
}

absl::Status RunStatement(const DropUser& statement, const StatementContext& context) {
  return context.catalog().DropUser(statement.name);
}

absl::Status RunStatement(const SetPassword& statement, const StatementContext& context) {
  return context.catalog().SetPassword(statement.name, statement.password);
}

absl::Status RunStatement(const Grant& statement, const StatementContext& context) {
  return context.catalog().SetPrivilege(statement.user, statement.database,
                                        PrivilegeOf(statement.privilege));
}

absl::Status RunStatement(const GrantAdmin& statement, const StatementContext& context) {
  return context.catalog().SetAdmin(statement.user, true);
}

// Takes away the bits of the privilege: ALL without WRITE is READ.
absl::Status RunStatement(const Revoke& statement, const StatementContext& context) {
  uint8_t left = 0;
  if (statement.privilege != PrivilegeWord::kAll) {
    const auto catalog = context.catalog().Get();
    const meta::User* user = catalog->FindUser(statement.user);
    if (user == nullptr) return base::NotFound("user not found");
    const auto it = user->privileges.find(statement.database);
    const auto now = it == user->privileges.end() ? meta::Privilege::kNone : it->second;
    left = static_cast<uint8_t>(now) & ~static_cast<uint8_t>(PrivilegeOf(statement.privilege));
  }
  return context.catalog().SetPrivilege(statement.user, statement.database,
                                        static_cast<meta::Privilege>(left));
}

absl::Status RunStatement(const RevokeAdmin& statement, const StatementContext& context) {
  return context.catalog().SetAdmin(statement.user, false);
}

absl::Status RunStatement(const KillQuery& statement, const StatementContext& context) {
  return context.registry.Kill(statement.id);
}

}  // namespace varve::query
