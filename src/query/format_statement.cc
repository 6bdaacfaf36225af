#include "base/strings.h"
#include "query/ast.h"
#include "query/format.h"

namespace varve::query {
namespace {

using base::StrAppend;
using base::StrCat;

std::string PrivilegeText(PrivilegeWord privilege) {
  switch (privilege) {
    case PrivilegeWord::kRead:
      return "READ";
    case PrivilegeWord::kWrite:
      return "WRITE";
    case PrivilegeWord::kAll:
      break;
  }
  return "ALL PRIVILEGES";
}

void AppendOn(std::string_view database, std::string* out) {
  if (!database.empty()) StrAppend(*out, " ON ", QuoteIdentifier(database));
}

void AppendFromWhere(const std::vector<Source>& sources, const ExprPtr& condition,
                     std::string* out) {
  if (!sources.empty()) StrAppend(*out, " FROM ", FormatSources(sources));
  if (condition != nullptr) StrAppend(*out, " WHERE ", Format(*condition));
}

void AppendTagKey(Operator op, const ExprPtr& key, std::string* out) {
  if (key == nullptr) return;
  const bool list = key->As<ListLiteral>() != nullptr;
  StrAppend(*out, " WITH KEY ", list ? "IN" : OperatorText(op), " ");
  const auto* name = key->As<StringLiteral>();
  *out += name != nullptr ? QuoteIdentifier(name->value) : Format(*key);
}

void AppendPolicy(const PolicyClause& policy, std::string* out) {
  const auto duration = [&](std::string_view words, const std::optional<int64_t>& ns) {
    if (ns.has_value()) StrAppend(*out, " ", words, " ", FormatDuration(*ns));
  };
  duration("DURATION", policy.duration_ns);
  if (policy.replication.has_value()) StrAppend(*out, " REPLICATION ", *policy.replication);
  duration("SHARD DURATION", policy.shard_duration_ns);
  if (policy.make_default) *out += " DEFAULT";
  duration("FUTURE LIMIT", policy.future_limit_ns);
  duration("PAST LIMIT", policy.past_limit_ns);
}

std::string_view CardinalityWords(ShowCardinality::What what) {
  switch (what) {
    case ShowCardinality::What::kMeasurement:
      return "MEASUREMENT";
    case ShowCardinality::What::kSeries:
      return "SERIES";
    case ShowCardinality::What::kFieldKey:
      return "FIELD KEY";
    case ShowCardinality::What::kTagKey:
      return "TAG KEY";
    case ShowCardinality::What::kTagValues:
      break;
  }
  return "TAG VALUES";
}

struct StatementFormatter {
  std::string operator()(const SelectStatement& s) const { return Format(s); }
  std::string operator()(const CreateDatabase& s) const {
    std::string out = StrCat("CREATE DATABASE ", QuoteIdentifier(s.name));
    if (!s.policy.has_value()) return out;
    out += " WITH";
    AppendPolicy(*s.policy, &out);
    if (!s.policy->name.empty()) StrAppend(out, " NAME ", QuoteIdentifier(s.policy->name));
    return out;
  }
  std::string operator()(const DropDatabase& s) const {
    return StrCat("DROP DATABASE ", QuoteIdentifier(s.name));
  }
  std::string operator()(const CreateRetentionPolicy& s) const {
    std::string out = StrCat("CREATE RETENTION POLICY ", QuoteIdentifier(s.policy.name), " ON ",
                             QuoteIdentifier(s.database));
    AppendPolicy(s.policy, &out);
    return out;
  }
  std::string operator()(const AlterRetentionPolicy& s) const {
    std::string out = StrCat("ALTER RETENTION POLICY ", QuoteIdentifier(s.policy.name), " ON ",
                             QuoteIdentifier(s.database));
    if (s.policy.measurement.has_value()) {
      const auto& [measurement, duration_ns] = *s.policy.measurement;
      return StrCat(out, " MEASUREMENT ", QuoteIdentifier(measurement), " DURATION ",
                    duration_ns == 0 ? "INF" : FormatDuration(duration_ns));
    }
    AppendPolicy(s.policy, &out);
    return out;
  }
  std::string operator()(const DropRetentionPolicy& s) const {
    return StrCat("DROP RETENTION POLICY ", QuoteIdentifier(s.name), " ON ",
                  QuoteIdentifier(s.database));
  }
  std::string operator()(const CreateContinuousQuery& s) const {
    std::string out = StrCat("CREATE CONTINUOUS QUERY ", QuoteIdentifier(s.name), " ON ",
                             QuoteIdentifier(s.database), " ");
    if (s.resample_every_ns > 0 || s.resample_for_ns > 0) {
      out += "RESAMPLE ";
      if (s.resample_every_ns > 0) {
        StrAppend(out, "EVERY ", FormatDuration(s.resample_every_ns), " ");
      }
      if (s.resample_for_ns > 0) StrAppend(out, "FOR ", FormatDuration(s.resample_for_ns), " ");
    }
    StrAppend(out, "BEGIN ", Format(*s.source), " END");
    return out;
  }
  std::string operator()(const DropContinuousQuery& s) const {
    return StrCat("DROP CONTINUOUS QUERY ", QuoteIdentifier(s.name), " ON ",
                  QuoteIdentifier(s.database));
  }
  std::string operator()(const BackfillContinuousQuery& s) const {
    return StrCat("BACKFILL CONTINUOUS QUERY ", QuoteIdentifier(s.name), " ON ",
                  QuoteIdentifier(s.database), " FROM ", Format(*MakeExpr(TimeLiteral{s.from_ns})),
                  " TO ", Format(*MakeExpr(TimeLiteral{s.to_ns})));
  }
  std::string operator()(const CreateSubscription& s) const {
    std::string out =
        StrCat("CREATE SUBSCRIPTION ", QuoteIdentifier(s.name), " ON ", QuoteIdentifier(s.database),
               ".", QuoteIdentifier(s.retention_policy), " DESTINATIONS ", s.mode, " ");
    for (size_t i = 0; i < s.destinations.size(); ++i) {
      StrAppend(out, i > 0 ? ", " : "", QuoteString(s.destinations[i]));
    }
    return out;
  }
  std::string operator()(const DropSubscription& s) const {
    return StrCat("DROP SUBSCRIPTION ", QuoteIdentifier(s.name), " ON ",
                  QuoteIdentifier(s.database), ".", QuoteIdentifier(s.retention_policy));
  }
  std::string operator()(const CreateUser& s) const {
    return StrCat("CREATE USER ", QuoteIdentifier(s.name), " WITH PASSWORD [REDACTED]",
                  s.admin ? " WITH ALL PRIVILEGES" : "");
  }
  std::string operator()(const DropUser& s) const {
    return StrCat("DROP USER ", QuoteIdentifier(s.name));
  }
  std::string operator()(const SetPassword& s) const {
    return StrCat("SET PASSWORD FOR ", QuoteIdentifier(s.name), " = [REDACTED]");
  }
  std::string operator()(const Grant& s) const {
    return StrCat("GRANT ", PrivilegeText(s.privilege), " ON ", QuoteIdentifier(s.database), " TO ",
                  QuoteIdentifier(s.user));
  }
  std::string operator()(const GrantAdmin& s) const {
    return StrCat("GRANT ALL PRIVILEGES TO ", QuoteIdentifier(s.user));
  }
  std::string operator()(const Revoke& s) const {
    return StrCat("REVOKE ", PrivilegeText(s.privilege), " ON ", QuoteIdentifier(s.database),
                  " FROM ", QuoteIdentifier(s.user));
  }
  std::string operator()(const RevokeAdmin& s) const {
    return StrCat("REVOKE ALL PRIVILEGES FROM ", QuoteIdentifier(s.user));
  }
  std::string operator()(const DeleteSeries& s) const {
    std::string out = "DELETE";
    AppendFromWhere(s.sources, s.condition, &out);
    return out;
  }
  std::string operator()(const DropSeries& s) const {
    std::string out = "DROP SERIES";
    AppendFromWhere(s.sources, s.condition, &out);
    return out;
  }
  std::string operator()(const DropMeasurement& s) const {
    return StrCat("DROP MEASUREMENT ", QuoteIdentifier(s.name));
  }
  std::string operator()(const DropShard& s) const { return StrCat("DROP SHARD ", s.id); }
  std::string operator()(const KillQuery& s) const {
    std::string out = StrCat("KILL QUERY ", s.id);
    AppendOn(s.host, &out);
    return out;
  }
  std::string operator()(const Explain& s) const {
    return StrCat("EXPLAIN ", s.analyze ? "ANALYZE " : "", s.verbose ? "VERBOSE " : "",
                  Format(*s.statement));
  }
  std::string operator()(const ShowDatabases&) const { return "SHOW DATABASES"; }
  std::string operator()(const ShowMeasurementRetention& s) const {
    std::string out = "SHOW MEASUREMENT RETENTION";
    AppendOn(s.database, &out);
    return out;
  }
  std::string operator()(const ShowRetentionPolicies& s) const {
    std::string out = "SHOW RETENTION POLICIES";
    AppendOn(s.database, &out);
    return out;
  }
  std::string operator()(const ShowMeasurements& s) const {
    std::string out = "SHOW MEASUREMENTS";
    if (!s.database.empty() || s.wildcard_database) {
      StrAppend(out, " ON ", s.wildcard_database ? "*" : QuoteIdentifier(s.database));
      if (s.wildcard_policy) {
        out += ".*";
      } else if (!s.retention_policy.empty()) {
        StrAppend(out, ".", QuoteIdentifier(s.retention_policy));
      }
    }
    if (s.source.has_value()) {
      const auto* m = std::get_if<Measurement>(&s.source->node);
      const bool regex = m != nullptr && m->regex != nullptr;
      StrAppend(out, " WITH MEASUREMENT ", regex ? "=~ " : "= ", Format(*s.source));
    }
    AppendFromWhere({}, s.condition, &out);
    AppendOrderBy(s.sort_fields, &out);
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowSeries& s) const {
    std::string out = "SHOW SERIES";
    AppendOn(s.database, &out);
    AppendFromWhere(s.sources, s.condition, &out);
    AppendOrderBy(s.sort_fields, &out);
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowTagKeys& s) const {
    std::string out = "SHOW TAG KEYS";
    AppendOn(s.database, &out);
    AppendFromWhere(s.sources, nullptr, &out);
    AppendTagKey(s.op, s.key, &out);
    AppendFromWhere({}, s.condition, &out);
    AppendOrderBy(s.sort_fields, &out);
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowTagValues& s) const {
    std::string out = "SHOW TAG VALUES";
    AppendOn(s.database, &out);
    AppendFromWhere(s.sources, nullptr, &out);
    AppendTagKey(s.op, s.key, &out);
    AppendFromWhere({}, s.condition, &out);
    AppendOrderBy(s.sort_fields, &out);
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowFieldKeys& s) const {
    std::string out = "SHOW FIELD KEYS";
    AppendOn(s.database, &out);
    AppendFromWhere(s.sources, s.condition, &out);
    AppendOrderBy(s.sort_fields, &out);
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowCardinality& s) const {
    std::string out =
        StrCat("SHOW ", CardinalityWords(s.what), s.exact ? " EXACT" : "", " CARDINALITY");
    AppendOn(s.database, &out);
    AppendFromWhere(s.sources, nullptr, &out);
    AppendTagKey(s.op, s.key, &out);
    AppendFromWhere({}, s.condition, &out);
    if (!s.dimensions.empty()) StrAppend(out, " GROUP BY ", FormatDimensions(s.dimensions));
    AppendPaging(s.paging, &out);
    return out;
  }
  std::string operator()(const ShowContinuousQueries&) const { return "SHOW CONTINUOUS QUERIES"; }
  std::string operator()(const ShowSubscriptions&) const { return "SHOW SUBSCRIPTIONS"; }
  std::string operator()(const ShowUsers&) const { return "SHOW USERS"; }
  std::string operator()(const ShowGrants& s) const {
    return StrCat("SHOW GRANTS FOR ", QuoteIdentifier(s.user));
  }
  std::string operator()(const ShowContinuousQueryStatus&) const {
    return "SHOW CONTINUOUS QUERY STATUS";
  }
  std::string operator()(const ShowQueries&) const { return "SHOW QUERIES"; }
  std::string operator()(const ShowShards&) const { return "SHOW SHARDS"; }
  std::string operator()(const ShowShardGroups&) const { return "SHOW SHARD GROUPS"; }
  std::string operator()(const ShowStats& s) const {
    return s.module.empty() ? "SHOW STATS" : StrCat("SHOW STATS FOR ", QuoteString(s.module));
  }
  std::string operator()(const ShowDiagnostics& s) const {
    return s.module.empty() ? "SHOW DIAGNOSTICS"
                            : StrCat("SHOW DIAGNOSTICS FOR ", QuoteString(s.module));
  }
};

}  // namespace

std::string Format(const Statement& statement) {
  return std::visit(StatementFormatter{}, statement.node);
}

}  // namespace varve::query
