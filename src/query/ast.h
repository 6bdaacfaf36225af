// InfluxQL as a tree. Expressions are immutable and shared, so that rewriting one never copies it.
//
// The grammar is in docs/influxql.md. Every node prints itself as InfluxDB does (Format), which is
// what error messages, SHOW CONTINUOUS QUERIES and EXPLAIN show.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "index/predicate.h"
#include "model/types.h"
#include "query/date_part.h"

namespace varve::query {

// --- Expressions

// What a column or value may be. Order of precedence where a field has several types in a
// measurement: float, integer, unsigned, string, boolean (the lowest enum value wins).
enum class DataType : uint8_t {
  kUnknown = 0,
  kFloat,
  kInteger,
  kUnsigned,
  kString,
  kBoolean,
  kTime,
  kDuration,
  kTag,
  kAnyField,
};
std::string_view DataTypeName(DataType type);  // "float", ..., "tag", "field"

enum class Operator : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kBitAnd,
  kBitOr,
  kBitXor,
  kAnd,
  kOr,
  kEq,
  kNeq,
  kEqRegex,
  kNeqRegex,
  kLt,
  kLte,
  kGt,
  kGte,
  kIn,  // the right side is a ValuesLiteral
  kNotIn,
};
std::string_view OperatorText(Operator op);  // "+", "AND", "=~", ...

class ValueList;  // value_list.h
struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct BinaryExpr {
  Operator op;
  ExprPtr left;
  ExprPtr right;
};
struct Call {
  std::string name;
  std::vector<ExprPtr> args;
};  // name in lower case
struct VarRef {
  std::string name;
  DataType type = DataType::kUnknown;
};
struct Wildcard {
  DataType type = DataType::kUnknown;
};  // kUnknown, kTag (*::tag), kAnyField (*::field)
struct Distinct {
  std::string name;
};  // DISTINCT field, without parentheses
struct ParenExpr {
  ExprPtr inner;
};
struct NumberLiteral {
  double value;
};
struct IntegerLiteral {
  int64_t value;
};
struct UnsignedLiteral {
  uint64_t value;
};
struct StringLiteral {
  std::string value;
};
struct BooleanLiteral {
  bool value;
};
struct DurationLiteral {
  int64_t ns;
};
struct TimeLiteral {
  int64_t ns;
};
struct RegexLiteral {
  std::shared_ptr<const index::TagRegex> regex;
};
struct ListLiteral {
  std::vector<std::string> values;
};
struct ValuesLiteral {
  std::shared_ptr<const ValueList> list;
};
struct NilLiteral {};
// expr BETWEEN low AND high, both ends included. Gone once SplitTime() has seen it.
struct Between {
  ExprPtr expr;
  ExprPtr low;
  ExprPtr high;
};
// A length of the calendar, for windows: 1mo, 1q, 1y.
struct CalendarLiteral {
  int64_t months;
};
// hour(time), date_part('dow', time): a part of a row's time in the zone of the statement. Made by
// CompileSelect() of the call, whose text it keeps.
struct TimePart {
  DatePart part;
  absl::TimeZone zone;
  Call call;
};
struct BoundParameter {
  std::string name;
};  // $name, only until parameters are bound

struct Expr {
  std::variant<BinaryExpr, Call, VarRef, Wildcard, Distinct, ParenExpr, NumberLiteral,
               IntegerLiteral, UnsignedLiteral, StringLiteral, BooleanLiteral, DurationLiteral,
               TimeLiteral, RegexLiteral, ListLiteral, ValuesLiteral, NilLiteral, BoundParameter,
               Between, CalendarLiteral, TimePart>
      node;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};
template <typename T>
ExprPtr MakeExpr(T node) {
  return std::make_shared<const Expr>(Expr{std::move(node)});
}

std::string Format(const Expr& expr);

// --- Sources

struct SelectStatement;

struct Measurement {
  std::string database;
  std::string retention_policy;
  std::string name;                              // empty when `regex` is set
  std::shared_ptr<const index::TagRegex> regex;  // or null
  bool is_target = false;                        // an INTO target (may be a back-reference)
};
struct Join;
// A measurement, a subquery or, alone in its FROM, sources joined by JOIN.
struct Source {
  std::variant<Measurement, std::shared_ptr<const SelectStatement>, std::shared_ptr<const Join>>
      node;
};
// How a side meets those before it: only where both have rows, wherever those before it have, or
// wherever either has.
enum class JoinKind : uint8_t { kInner, kLeft, kFull };
struct JoinSide {
  Source source;
  std::string alias;  // its columns are alias.name
  JoinKind kind = JoinKind::kInner;
};
struct Join {
  std::vector<JoinSide> sides;
  std::vector<std::string> tags;  // of ON, besides time
  bool on_given = false;
};
std::string Format(const Source& source);

// --- SELECT

struct SelectField {
  ExprPtr expr;
  std::string alias;
};
struct Dimension {
  ExprPtr expr;
};  // VarRef, Wildcard, RegexLiteral or a time() Call
struct SortField {
  std::string name;  // empty: time
  bool ascending = true;
  ExprPtr expr;  // instead of a name; SELECT only, and no InfluxQL of InfluxDB's
};

enum class FillOption : uint8_t { kNull, kNone, kNumber, kPrevious, kLinear };

struct SelectStatement {
  std::vector<SelectField> fields;
  std::optional<Measurement> target;  // INTO
  std::vector<Dimension> dimensions;
  std::vector<Source> sources;
  ExprPtr condition;  // or null
  ExprPtr having;     // or null
  std::vector<SortField> sort_fields;
  int64_t limit = 0;  // 0: none
  int64_t offset = 0;
  int64_t slimit = 0;
  int64_t soffset = 0;
  FillOption fill = FillOption::kNull;
  bool fill_given = false;
  std::variant<std::monostate, double, int64_t> fill_value;
  int64_t fill_max_ns = 0;  // how far kPrevious and kLinear reach; 0: as far as it takes
  int64_t lookback_ns = 0;  // LOOKBACK; 0: none
  std::string location;     // tz(), IANA name; empty: UTC
  bool omit_time = false;
  bool joined = false;  // a side of a JOIN
};
std::string Format(const SelectStatement& statement);

// --- The other statements. `database` empty: the request's.

struct PolicyClause {  // the options of CREATE DATABASE WITH, CREATE and ALTER RETENTION POLICY
  std::string name;
  std::optional<int64_t> duration_ns;
  std::optional<int64_t> shard_duration_ns;
  std::optional<int64_t> replication;
  std::optional<int64_t> future_limit_ns;
  std::optional<int64_t> past_limit_ns;
  bool make_default = false;
  // ALTER ... MEASUREMENT name DURATION d, Varve's own; 0: INF.
  std::optional<std::pair<std::string, int64_t>> measurement;
};
struct CreateDatabase {
  std::string name;
  std::optional<PolicyClause> policy;
};
struct DropDatabase {
  std::string name;
};
struct CreateRetentionPolicy {
  std::string database;
  PolicyClause policy;
};
struct AlterRetentionPolicy {
  std::string database;
  PolicyClause policy;
};
struct DropRetentionPolicy {
  std::string database;
  std::string name;
};
struct CreateContinuousQuery {
  std::string database;
  std::string name;
  std::shared_ptr<const SelectStatement> source;
  int64_t resample_every_ns = 0;  // 0: not given
  int64_t resample_for_ns = 0;
};
struct DropContinuousQuery {
  std::string database;
  std::string name;
};
struct BackfillContinuousQuery {  // Varve's own
  std::string database;
  std::string name;
  int64_t from_ns = 0;
  int64_t to_ns = 0;  // excluded
};
struct CreateSubscription {
  std::string database, retention_policy, name, mode;
  std::vector<std::string> destinations;
};
struct DropSubscription {
  std::string database, retention_policy, name;
};
struct CreateUser {
  std::string name, password;
  bool admin = false;
};
struct DropUser {
  std::string name;
};
struct SetPassword {
  std::string name, password;
};
enum class PrivilegeWord : uint8_t { kRead, kWrite, kAll };
struct Grant {
  PrivilegeWord privilege;
  std::string database, user;
};
struct GrantAdmin {
  std::string user;
};
struct Revoke {
  PrivilegeWord privilege;
  std::string database, user;
};
struct RevokeAdmin {
  std::string user;
};
struct DeleteSeries {
  std::vector<Source> sources;
  ExprPtr condition;
};  // DELETE
struct DropSeries {
  std::vector<Source> sources;
  ExprPtr condition;
};
struct DropMeasurement {
  std::string name;
};
struct DropShard {
  uint64_t id = 0;
};
struct KillQuery {
  uint64_t id = 0;
  std::string host;
};
struct Explain {
  std::shared_ptr<const SelectStatement> statement;
  bool analyze = false;
  bool verbose = false;
};

struct Paging {
  int64_t limit = 0, offset = 0, slimit = 0, soffset = 0;
};
struct ShowDatabases {};
struct ShowRetentionPolicies {
  std::string database;
};
struct ShowMeasurements {
  std::string database;
  std::string retention_policy;  // ON db.rp (1.11); "*" for each: ON *.*
  bool wildcard_database = false;
  bool wildcard_policy = false;
  std::optional<Source> source;    // WITH MEASUREMENT
  bool source_is_negated = false;  // !=, !~
  ExprPtr condition;
  std::vector<SortField> sort_fields;
  Paging paging;
};
struct ShowSeries {
  std::string database;
  std::vector<Source> sources;
  ExprPtr condition;
  std::vector<SortField> sort_fields;
  Paging paging;
};
struct ShowTagKeys {
  std::string database;
  std::vector<Source> sources;
  Operator op = Operator::kEq;  // of `key`, as in ShowTagValues
  ExprPtr key;                  // WITH KEY (1.12), or null
  ExprPtr condition;
  std::vector<SortField> sort_fields;
  Paging paging;
};
struct ShowTagValues {
  std::string database;
  std::vector<Source> sources;
  Operator op = Operator::kEq;  // kEq, kNeq, kEqRegex, kNeqRegex; IN gives kEq with a ListLiteral
  ExprPtr key;                  // StringLiteral, ListLiteral or RegexLiteral
  ExprPtr condition;
  std::vector<SortField> sort_fields;
  Paging paging;
};
struct ShowFieldKeys {
  std::string database;
  std::vector<Source> sources;
  ExprPtr condition;  // with time BETWEEN, or null
  std::vector<SortField> sort_fields;
  Paging paging;
};
// SHOW <what> [EXACT] CARDINALITY
struct ShowCardinality {
  enum class What : uint8_t { kMeasurement, kSeries, kFieldKey, kTagKey, kTagValues };
  What what;
  bool exact = false;
  std::string database;
  std::vector<Source> sources;
  Operator op = Operator::kEq;  // kTagValues only
  ExprPtr key;
  ExprPtr condition;
  std::vector<Dimension> dimensions;
  Paging paging;
};
struct ShowContinuousQueries {};
struct ShowContinuousQueryStatus {};  // Varve's own
struct ShowMeasurementRetention {     // Varve's own
  std::string database;
};
struct ShowSubscriptions {};
struct ShowUsers {};
struct ShowGrants {
  std::string user;
};
struct ShowQueries {};
struct ShowShards {};
struct ShowShardGroups {};
struct ShowStats {
  std::string module;
};
struct ShowDiagnostics {
  std::string module;
};

struct Statement {
  std::variant<SelectStatement, CreateDatabase, DropDatabase, CreateRetentionPolicy,
               AlterRetentionPolicy, DropRetentionPolicy, CreateContinuousQuery,
               DropContinuousQuery, BackfillContinuousQuery, CreateSubscription, DropSubscription,
               CreateUser, DropUser, SetPassword, Grant, GrantAdmin, Revoke, RevokeAdmin,
               DeleteSeries, DropSeries, DropMeasurement, DropShard, KillQuery, Explain,
               ShowDatabases, ShowRetentionPolicies, ShowMeasurements, ShowSeries, ShowTagKeys,
               ShowTagValues, ShowFieldKeys, ShowCardinality, ShowContinuousQueries,
               ShowContinuousQueryStatus, ShowMeasurementRetention, ShowSubscriptions, ShowUsers,
               ShowGrants, ShowQueries, ShowShards, ShowShardGroups, ShowStats, ShowDiagnostics>
      node;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};
// The statement as InfluxDB prints it; passwords as [REDACTED].
std::string Format(const Statement& statement);

// The identifier as written in a query: quoted where it has to be.
std::string QuoteIdentifier(std::string_view name);
std::string QuoteString(std::string_view text);  // '...'
std::string FormatDuration(int64_t ns);  // 1w, 1d, 1h, 1m, 1s, 1ms, 1u, 1ns: InfluxQL's form

}  // namespace varve::query
