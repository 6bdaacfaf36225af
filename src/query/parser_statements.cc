#include <limits>
#include <set>

#include "absl/strings/match.h"
#include "base/status.h"
#include "query/condition.h"
#include "query/parser_impl.h"

namespace varve::query {
namespace {

constexpr int64_t kReplicationMax = std::numeric_limits<int32_t>::max();

bool HasCall(const Expr& expr) {
  if (expr.As<Call>() != nullptr) return true;
  if (const auto* paren = expr.As<ParenExpr>()) return HasCall(*paren->inner);
  const auto* binary = expr.As<BinaryExpr>();
  return binary != nullptr && (HasCall(*binary->left) || HasCall(*binary->right));
}

bool HasCall(const SelectStatement& statement) {
  for (const SelectField& field : statement.fields) {
    if (HasCall(*field.expr)) return true;
  }
  return false;
}

// RESAMPLE FOR must cover at least one window.
absl::Status CheckResample(const CreateContinuousQuery& query, int64_t interval_ns) {
  if (query.resample_for_ns == 0) return absl::OkStatus();
  const int64_t least = std::max(interval_ns, query.resample_every_ns);
  if (least <= query.resample_for_ns) return absl::OkStatus();
  return base::InvalidArgument(
      "FOR duration must be >= GROUP BY time duration: must be a minimum of ",
      FormatDuration(least), ", got ", FormatDuration(query.resample_for_ns));
}

}  // namespace

absl::StatusOr<Statement> Parser::ParseStatement() {
  const ScannedToken word = ScanSkippingSpace();
  switch (word.token) {
    case Token::kSelect: {
      ASSIGN_OR_RETURN(SelectStatement select, ParseSelect(TargetRule::kOptional));
      return Statement{std::move(select)};
    }
    case Token::kDelete:
      return ParseDelete();
    case Token::kShow:
      return ParseShow();
    case Token::kCreate:
      return ParseCreate();
    case Token::kDrop:
      return ParseDrop();
    case Token::kExplain:
      return ParseExplain();
    case Token::kGrant:
      return ParseGrantOrRevoke(/*grant=*/true);
    case Token::kRevoke:
      return ParseGrantOrRevoke(/*grant=*/false);
    case Token::kAlter:
      RETURN_IF_ERROR(Expect(Token::kRetention));
      RETURN_IF_ERROR(Expect(Token::kPolicy));
      return ParseAlterPolicy();
    case Token::kSet:
      RETURN_IF_ERROR(Expect(Token::kPassword));
      RETURN_IF_ERROR(Expect(Token::kFor));
      return ParseSetPassword();
    case Token::kKill:
      RETURN_IF_ERROR(Expect(Token::kQuery));
      return ParseKillQuery();
    default:
      if (word.token == Token::kIdent &&
          absl::EqualsIgnoreCase(base::ToAbsl(word.literal), "backfill")) {
        return ParseBackfill();
      }
      return Unexpected(word,
                        "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, "
                        "KILL");
  }
}

absl::StatusOr<Statement> Parser::ParseCreate() {
  const ScannedToken word = ScanSkippingSpace();
  switch (word.token) {
    case Token::kContinuous:
      RETURN_IF_ERROR(Expect(Token::kQuery));
      return ParseCreateContinuousQuery();
    case Token::kDatabase:
      return ParseCreateDatabase();
    case Token::kUser:
      return ParseCreateUser();
    case Token::kRetention:
      RETURN_IF_ERROR(Expect(Token::kPolicy));
      return ParseCreatePolicy();
    case Token::kSubscription:
      return ParseCreateSubscription();
    default:
      return Unexpected(word, "CONTINUOUS, DATABASE, USER, RETENTION, SUBSCRIPTION");
  }
}

absl::StatusOr<Statement> Parser::ParseDrop() {
  const ScannedToken word = ScanSkippingSpace();
  switch (word.token) {
    case Token::kContinuous: {
      RETURN_IF_ERROR(Expect(Token::kQuery));
      DropContinuousQuery drop;
      ASSIGN_OR_RETURN(drop.name, ParseIdent());
      RETURN_IF_ERROR(Expect(Token::kOn));
      ASSIGN_OR_RETURN(drop.database, ParseIdent());
      return Statement{std::move(drop)};
    }
    case Token::kDatabase: {
      ASSIGN_OR_RETURN(std::string name, ParseIdent());
      return Statement{DropDatabase{std::move(name)}};
    }
    case Token::kMeasurement: {
      ASSIGN_OR_RETURN(std::string name, ParseIdent());
      return Statement{DropMeasurement{std::move(name)}};
    }
    case Token::kRetention: {
      RETURN_IF_ERROR(Expect(Token::kPolicy));
      DropRetentionPolicy drop;
      ASSIGN_OR_RETURN(drop.name, ParseIdent());
      RETURN_IF_ERROR(Expect(Token::kOn));
      ASSIGN_OR_RETURN(drop.database, ParseIdent());
      return Statement{std::move(drop)};
    }
    case Token::kSeries:
      return ParseDropSeries();
    case Token::kShard: {
      ASSIGN_OR_RETURN(const uint64_t id, ParseUnsigned());
      return Statement{DropShard{id}};
    }
    case Token::kSubscription:
      return ParseDropSubscription();
    case Token::kUser: {
      ASSIGN_OR_RETURN(std::string name, ParseIdent());
      return Statement{DropUser{std::move(name)}};
    }
    default:
      return Unexpected(word,
                        "CONTINUOUS, DATABASE, MEASUREMENT, RETENTION, SERIES, SHARD, "
                        "SUBSCRIPTION, USER");
  }
}

absl::StatusOr<Statement> Parser::ParseCreateDatabase() {
  CreateDatabase create;
  ASSIGN_OR_RETURN(create.name, ParseIdent());
  if (!Accept(Token::kWith)) return Statement{std::move(create)};

  const ScannedToken first = ScanSkippingSpace();
  Unscan();
  switch (first.token) {
    case Token::kDuration:
    case Token::kName:
    case Token::kReplication:
    case Token::kShard:
      break;
    default:
      if (AcceptWord("future") || AcceptWord("past")) {
        Unscan();
        break;
      }
      return Unexpected(first, "DURATION, NAME, REPLICATION, SHARD");
  }
  PolicyClause policy;
  if (Accept(Token::kDuration)) {
    ASSIGN_OR_RETURN(policy.duration_ns, ParsePolicyDuration());
  }
  if (Accept(Token::kReplication)) {
    ASSIGN_OR_RETURN(policy.replication, ParseInt(1, kReplicationMax));
  }
  if (Accept(Token::kShard)) {
    RETURN_IF_ERROR(Expect(Token::kDuration));
    ASSIGN_OR_RETURN(policy.shard_duration_ns, ParsePolicyDuration());
  }
  RETURN_IF_ERROR(ParseWriteLimits(&policy));
  if (Accept(Token::kName)) {
    ASSIGN_OR_RETURN(policy.name, ParseIdent());
  }
  create.policy = std::move(policy);
  return Statement{std::move(create)};
}

absl::StatusOr<Statement> Parser::ParseCreatePolicy() {
  CreateRetentionPolicy create;
  PolicyClause& policy = create.policy;
  ASSIGN_OR_RETURN(policy.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kDuration));
  ASSIGN_OR_RETURN(policy.duration_ns, ParsePolicyDuration());
  RETURN_IF_ERROR(Expect(Token::kReplication));
  ASSIGN_OR_RETURN(policy.replication, ParseInt(1, kReplicationMax));
  if (Accept(Token::kShard)) RETURN_IF_ERROR(ParseShardDuration(&policy));
  policy.make_default = Accept(Token::kDefault);
  RETURN_IF_ERROR(ParseWriteLimits(&policy));
  return Statement{std::move(create)};
}

// SHARD is read.
absl::Status Parser::ParseShardDuration(PolicyClause* policy) {
  RETURN_IF_ERROR(Expect(Token::kDuration));
  const ScannedToken next = ScanSkippingSpace();
  if (next.token == Token::kInf) {
    return ErrorAt("invalid duration INF for shard duration", next.position);
  }
  Unscan();
  ASSIGN_OR_RETURN(policy->shard_duration_ns, ParsePolicyDuration());
  return absl::OkStatus();
}

absl::Status Parser::ParseWriteLimits(PolicyClause* policy) {
  if (AcceptWord("future")) {
    ASSIGN_OR_RETURN(policy->future_limit_ns, ParseWriteLimit());
  }
  if (AcceptWord("past")) {
    ASSIGN_OR_RETURN(policy->past_limit_ns, ParseWriteLimit());
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Parser::ParseWriteLimit() {
  RETURN_IF_ERROR(Expect(Token::kLimit));
  return ParsePolicyDuration();
}

absl::StatusOr<Statement> Parser::ParseAlterPolicy() {
  AlterRetentionPolicy alter;
  PolicyClause& policy = alter.policy;
  if (Accept(Token::kDefault)) {
    policy.name = "default";
  } else {
    ASSIGN_OR_RETURN(policy.name, ParseIdent());
  }
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(alter.database, ParseIdent());

  if (Accept(Token::kMeasurement)) {
    ASSIGN_OR_RETURN(std::string measurement, ParseIdent());
    RETURN_IF_ERROR(Expect(Token::kDuration));
    ASSIGN_OR_RETURN(const int64_t duration_ns, ParsePolicyDuration());
    policy.measurement = {std::move(measurement), duration_ns};
    return Statement{std::move(alter)};
  }
  std::set<Token> found;
  for (;;) {
    const ScannedToken option = ScanSkippingSpace();
    if (found.contains(option.token)) {
      return ErrorAt(base::StrCat("found duplicate ", TokenText(option.token), " option"),
                     option.position);
    }
    found.insert(option.token);
    if (option.token == Token::kDuration) {
      ASSIGN_OR_RETURN(policy.duration_ns, ParsePolicyDuration());
    } else if (option.token == Token::kReplication) {
      ASSIGN_OR_RETURN(policy.replication, ParseInt(1, kReplicationMax));
    } else if (option.token == Token::kShard) {
      RETURN_IF_ERROR(ParseShardDuration(&policy));
    } else if (option.token == Token::kDefault) {
      policy.make_default = true;
    } else {
      Unscan();
      RETURN_IF_ERROR(ParseWriteLimits(&policy));
      if (policy.future_limit_ns.has_value() || policy.past_limit_ns.has_value()) break;
      if (found.size() > 1) break;
      return Unexpected(option, "DURATION, REPLICATION, SHARD, DEFAULT");
    }
  }
  return Statement{std::move(alter)};
}

absl::StatusOr<Statement> Parser::ParseCreateContinuousQuery() {
  CreateContinuousQuery create;
  ASSIGN_OR_RETURN(create.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, ParseIdent());
  if (Accept(Token::kResample)) RETURN_IF_ERROR(ParseResample(&create));
  RETURN_IF_ERROR(Expect(Token::kBegin));
  RETURN_IF_ERROR(Expect(Token::kSelect));
  ASSIGN_OR_RETURN(SelectStatement select, ParseSelect(TargetRule::kRequired));

  const absl::StatusOr<int64_t> interval = GroupByInterval(select);
  if (HasCall(select) && (!interval.ok() || *interval == 0)) {
    // InfluxDB goes back over two tokens and names what it finds there.
    Unscan();
    Unscan();
    std::string expected = "GROUP BY time(...)";
    if (!interval.ok()) base::StrAppend(expected, ", ", base::MessageOf(interval.status()));
    return Unexpected(ScanSkippingSpace(), expected);
  }
  RETURN_IF_ERROR(Expect(Token::kEnd));
  RETURN_IF_ERROR(interval.status());
  RETURN_IF_ERROR(CheckResample(create, *interval));
  create.source = std::make_shared<const SelectStatement>(std::move(select));
  return Statement{std::move(create)};
}

// BACKFILL is read; it is Varve's own, so the word is none elsewhere.
absl::StatusOr<Statement> Parser::ParseBackfill() {
  BackfillContinuousQuery backfill;
  RETURN_IF_ERROR(Expect(Token::kContinuous));
  RETURN_IF_ERROR(Expect(Token::kQuery));
  ASSIGN_OR_RETURN(backfill.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(backfill.database, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kFrom));
  ASSIGN_OR_RETURN(backfill.from_ns, ParseTime());
  RETURN_IF_ERROR(Expect(Token::kTo));
  ASSIGN_OR_RETURN(backfill.to_ns, ParseTime());
  return Statement{std::move(backfill)};
}

// A date in quotes, or nanoseconds since 1970.
absl::StatusOr<int64_t> Parser::ParseTime() {
  const ScannedToken token = ScanSkippingSpace();
  if (token.token == Token::kInteger) {
    Unscan();
    return ParseInt(0, std::numeric_limits<int64_t>::max());
  }
  if (token.token != Token::kString) return Unexpected(token, "time");
  const auto time = ParseTimeString(token.literal, absl::UTCTimeZone());
  if (!time.has_value()) return ErrorAt("invalid time", token.position);
  return *time;
}

// RESAMPLE is read.
absl::Status Parser::ParseResample(CreateContinuousQuery* query) {
  const auto parse = [&](int64_t* ns) -> absl::Status {
    const ScannedToken token = ScanSkippingSpace();
    if (token.token != Token::kDurationVal) return Unexpected(token, "duration");
    const absl::StatusOr<int64_t> duration = ParseDuration(token.literal);
    if (!duration.ok()) return ErrorAt(base::MessageOf(duration.status()), token.position);
    *ns = *duration;
    return absl::OkStatus();
  };
  if (Accept(Token::kEvery)) RETURN_IF_ERROR(parse(&query->resample_every_ns));
  if (Accept(Token::kFor)) RETURN_IF_ERROR(parse(&query->resample_for_ns));
  if (query->resample_every_ns == 0 && query->resample_for_ns == 0) {
    return Unexpected(ScanSkippingSpace(), "EVERY, FOR");
  }
  return absl::OkStatus();
}

absl::StatusOr<Statement> Parser::ParseCreateSubscription() {
  CreateSubscription create;
  ASSIGN_OR_RETURN(create.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, ParseIdent());
  if (const ScannedToken dot = Scan(); dot.token != Token::kDot) return Unexpected(dot, ".");
  ASSIGN_OR_RETURN(create.retention_policy, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kDestinations));
  const ScannedToken mode = ScanSkippingSpace();
  if (mode.token != Token::kAll && mode.token != Token::kAny) return Unexpected(mode, "ALL, ANY");
  create.mode = TokenText(mode.token);
  ASSIGN_OR_RETURN(create.destinations, ParseStringList());
  return Statement{std::move(create)};
}

absl::StatusOr<Statement> Parser::ParseDropSubscription() {
  DropSubscription drop;
  ASSIGN_OR_RETURN(drop.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(drop.database, ParseIdent());
  if (const ScannedToken dot = Scan(); dot.token != Token::kDot) return Unexpected(dot, ".");
  ASSIGN_OR_RETURN(drop.retention_policy, ParseIdent());
  return Statement{std::move(drop)};
}

absl::StatusOr<Statement> Parser::ParseCreateUser() {
  CreateUser create;
  ASSIGN_OR_RETURN(create.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kWith));
  RETURN_IF_ERROR(Expect(Token::kPassword));
  ASSIGN_OR_RETURN(create.password, ParseString());
  if (Accept(Token::kWith)) {
    RETURN_IF_ERROR(Expect(Token::kAll));
    RETURN_IF_ERROR(Expect(Token::kPrivileges));
    create.admin = true;
  }
  return Statement{std::move(create)};
}

absl::StatusOr<Statement> Parser::ParseDelete() {
  DeleteSeries statement;
  RETURN_IF_ERROR(ParseDeletion(/*policies=*/true, &statement.sources, &statement.condition));
  return Statement{std::move(statement)};
}

absl::StatusOr<Statement> Parser::ParseDropSeries() {
  DropSeries statement;
  RETURN_IF_ERROR(ParseDeletion(/*policies=*/false, &statement.sources, &statement.condition));
  return Statement{std::move(statement)};
}

absl::Status Parser::ParseDeletion(bool policies, std::vector<Source>* sources,
                                   ExprPtr* condition) {
  const ScannedToken first = ScanSkippingSpace();
  if (first.token == Token::kFrom) {
    ASSIGN_OR_RETURN(*sources, ParseSources(/*subqueries=*/false));
    absl::Status refused;
    for (const Source& source : *sources) {
      const Measurement& m = std::get<Measurement>(source.node);
      if (!m.database.empty()) refused = ErrorAt("database not supported", {});
      if (!policies && !m.retention_policy.empty()) {
        refused = ErrorAt("retention policy not supported", {});
      }
    }
    RETURN_IF_ERROR(refused);
  } else {
    Unscan();
  }
  ASSIGN_OR_RETURN(*condition, ParseCondition());
  if (*condition == nullptr && sources->empty()) return Unexpected(first, "FROM, WHERE");
  return absl::OkStatus();
}

absl::StatusOr<PrivilegeWord> Parser::ParsePrivilege() {
  const ScannedToken word = ScanSkippingSpace();
  switch (word.token) {
    case Token::kRead:
      return PrivilegeWord::kRead;
    case Token::kWrite:
      return PrivilegeWord::kWrite;
    case Token::kAll:
      Accept(Token::kPrivileges);
      return PrivilegeWord::kAll;
    default:
      return Unexpected(word, "READ, WRITE, ALL [PRIVILEGES]");
  }
}

absl::StatusOr<Statement> Parser::ParseGrantOrRevoke(bool grant) {
  const Token preposition = grant ? Token::kTo : Token::kFrom;
  ASSIGN_OR_RETURN(const PrivilegeWord privilege, ParsePrivilege());
  const bool all = privilege == PrivilegeWord::kAll;
  const ScannedToken next = ScanSkippingSpace();
  if (next.token == preposition && all) {
    ASSIGN_OR_RETURN(std::string user, ParseIdent());
    if (grant) return Statement{GrantAdmin{std::move(user)}};
    return Statement{RevokeAdmin{std::move(user)}};
  }
  if (next.token != Token::kOn) {
    return Unexpected(next, all ? base::StrCat("ON, ", TokenText(preposition)) : "ON");
  }
  ASSIGN_OR_RETURN(std::string database, ParseIdent());
  RETURN_IF_ERROR(Expect(preposition));
  ASSIGN_OR_RETURN(std::string user, ParseIdent());
  if (grant) return Statement{Grant{privilege, std::move(database), std::move(user)}};
  return Statement{Revoke{privilege, std::move(database), std::move(user)}};
}

absl::StatusOr<Statement> Parser::ParseSetPassword() {
  SetPassword set;
  ASSIGN_OR_RETURN(set.name, ParseIdent());
  RETURN_IF_ERROR(Expect(Token::kEq));
  ASSIGN_OR_RETURN(set.password, ParseString());
  return Statement{std::move(set)};
}

absl::StatusOr<Statement> Parser::ParseKillQuery() {
  KillQuery kill;
  ASSIGN_OR_RETURN(kill.id, ParseUnsigned());
  if (Accept(Token::kOn)) {
    ASSIGN_OR_RETURN(kill.host, ParseIdent());
  }
  return Statement{std::move(kill)};
}

}  // namespace varve::query
