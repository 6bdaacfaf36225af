// The recursive descent behind parser.h, shared by its source files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/ast.h"
#include "query/parser.h"
#include "query/scanner.h"
#include "query/token.h"
#include "query/value_list.h"

namespace varve::query {

// One thread at a time; one text.
class Parser {
 public:
  Parser(std::string_view text, const Parameters& parameters)
      : scanner_(text), parameters_(parameters) {}

  absl::StatusOr<std::vector<Statement>> ParseQuery();
  absl::StatusOr<ExprPtr> ParseExpr();

 private:
  // An expression and how deep it is nested.
  struct Operand {
    ExprPtr expr;
    int depth = 1;
  };
  enum class TargetRule { kRequired, kOptional };

  // --- Tokens (parser.cc)

  ScannedToken Scan() { return Bind(scanner_.Scan()); }
  ScannedToken ScanSkippingSpace();  // and comments
  void Unscan() { scanner_.Unscan(); }
  void SkipWhitespace();
  // Puts the value of a $name in its place.
  ScannedToken Bind(ScannedToken token) const;
  // Takes the next token when it is `token`.
  bool Accept(Token token);
  // Takes the next token when it is the name `word`: a keyword of InfluxDB 1.12 only where one may
  // stand, so that it stays a name elsewhere.
  bool AcceptWord(std::string_view word);
  static bool IsWord(const ScannedToken& token, std::string_view word);
  absl::Status ExpectWord(std::string_view word);
  absl::Status Expect(Token token);
  absl::Status Expect(Token token, std::string_view expected);

  static absl::Status Unexpected(const ScannedToken& found, std::string_view expected);
  static absl::Status ErrorAt(std::string_view message, Position position);
  // INVALID_ARGUMENT when this place, or an expression of `depth`, is nested too deeply.
  absl::Status CheckNesting(int depth) const;

  absl::StatusOr<std::string> ParseIdent();
  absl::StatusOr<std::vector<std::string>> ParseIdentList();
  absl::StatusOr<std::vector<std::string>> ParseSegmentedIdents();
  absl::StatusOr<std::string> ParseString();
  absl::StatusOr<std::vector<std::string>> ParseStringList();
  absl::StatusOr<int64_t> ParseInt(int64_t min, int64_t max);
  absl::StatusOr<uint64_t> ParseUnsigned();
  absl::StatusOr<int64_t> ParsePolicyDuration();  // a duration or INF, which is 0
  absl::StatusOr<int64_t> ParseOptionalInt(Token keyword);

  // --- Expressions (parser_expr.cc)

  absl::StatusOr<Operand> ParseOperand();
  absl::StatusOr<Operand> ParseUnary();
  absl::StatusOr<Operand> ParseSigned(bool negative);
  absl::StatusOr<Operand> ParseParen();
  absl::StatusOr<Operand> ParseCall(std::string name);
  absl::StatusOr<Operand> ParseDistinct();
  absl::StatusOr<ExprPtr> ParseVarRef();
  absl::StatusOr<ExprPtr> ParseWildcard();
  absl::StatusOr<std::shared_ptr<const index::TagRegex>> ParseRegex();  // null when there is none
  // What follows an operand, when it is no operator, may be [NOT] IN: the operator it means, or
  // kIllegal and `token` is put back.
  absl::StatusOr<Token> AcceptIn(const ScannedToken& token);
  absl::StatusOr<ExprPtr> ParseValues();
  absl::StatusOr<ValueList::Item> ParseValue();
  absl::Status AddParameter(const ScannedToken& token, std::vector<ValueList::Item>* items) const;
  absl::Status UnboundParameter(const ScannedToken& token) const;
  static absl::StatusOr<ExprPtr> ParseNumberToken(const ScannedToken& token);
  absl::StatusOr<Operand> ParseArithmetic();
  static bool TakesBetween(const std::vector<Operand>& operands, const std::vector<Token>& ops);
  absl::Status ParseBetween(std::vector<Operand>* operands, std::vector<Token>* ops);
  absl::StatusOr<Operand> Combine(std::vector<Operand> operands, const std::vector<Token>& ops);
  static Operand FoldLevel(std::vector<Operand> operands, const std::vector<Token>& ops);

  // --- SELECT and clauses (parser_select.cc)

  absl::StatusOr<SelectStatement> ParseSelect(TargetRule rule);
  absl::Status ParseSelectTail(SelectStatement* statement);
  absl::StatusOr<std::vector<SelectField>> ParseFields();
  absl::StatusOr<SelectField> ParseField();
  absl::StatusOr<std::string> ParseAlias();
  absl::StatusOr<std::optional<Measurement>> ParseTarget(TargetRule rule);
  absl::StatusOr<std::vector<Source>> ParseSources(bool subqueries);
  absl::StatusOr<Source> ParseSource(bool subqueries);
  absl::StatusOr<Source> ParseJoin(Source first);
  absl::StatusOr<std::optional<JoinKind>> ParseJoinWords();
  absl::StatusOr<Source> ParseSubquery();
  absl::StatusOr<ExprPtr> ParseCondition();
  absl::StatusOr<std::vector<Dimension>> ParseDimensions();
  absl::Status ParseFill(SelectStatement* statement);
  absl::StatusOr<int64_t> ParseLookback();
  absl::StatusOr<std::string> ParseLocation();
  absl::StatusOr<std::vector<SortField>> ParseOrderBy(bool expressions = false);
  absl::StatusOr<SortField> ParseSortField(bool expressions);
  absl::StatusOr<Statement> ParseExplain();

  // --- SHOW (parser_show.cc). The optional clauses share readers.

  absl::StatusOr<Statement> ParseShow();
  absl::StatusOr<Statement> ParseShowMeasurements();
  absl::StatusOr<Statement> ParseShowSeries();
  absl::StatusOr<Statement> ParseShowTagKeys();
  absl::StatusOr<Statement> ParseShowTagValues();
  absl::StatusOr<Statement> ParseShowFieldKeys();
  absl::StatusOr<Statement> ParseCardinality(ShowCardinality::What what, bool exact);
  absl::StatusOr<Statement> ParseKeyCardinality(ShowCardinality::What what);
  absl::StatusOr<std::string> ParseOn();
  absl::StatusOr<std::vector<Source>> ParseFrom();
  absl::Status ParseTagKey(Operator* op, ExprPtr* key);
  absl::Status ParseLimitOffset(Paging* paging);
  absl::StatusOr<std::string> ParseForModule();
  absl::StatusOr<Statement> ParseShowContinuous();

  // --- The others (parser_statements.cc)

  absl::StatusOr<Statement> ParseStatement();
  absl::StatusOr<Statement> ParseCreate();
  absl::StatusOr<Statement> ParseDrop();
  absl::StatusOr<Statement> ParseCreateDatabase();
  absl::StatusOr<Statement> ParseCreatePolicy();
  absl::StatusOr<Statement> ParseAlterPolicy();
  absl::Status ParseShardDuration(PolicyClause* policy);
  absl::Status ParseWriteLimits(PolicyClause* policy);
  absl::StatusOr<int64_t> ParseWriteLimit();
  absl::StatusOr<Statement> ParseCreateContinuousQuery();
  absl::StatusOr<Statement> ParseBackfill();
  absl::StatusOr<int64_t> ParseTime();
  absl::Status ParseResample(CreateContinuousQuery* query);
  absl::StatusOr<Statement> ParseCreateSubscription();
  absl::StatusOr<Statement> ParseCreateUser();
  absl::StatusOr<Statement> ParseDropSubscription();
  absl::StatusOr<Statement> ParseDelete();
  absl::StatusOr<Statement> ParseDropSeries();
  absl::Status ParseDeletion(bool policies, std::vector<Source>* sources, ExprPtr* condition);
  absl::StatusOr<Statement> ParseGrantOrRevoke(bool grant);
  absl::StatusOr<PrivilegeWord> ParsePrivilege();
  absl::StatusOr<Statement> ParseSetPassword();
  absl::StatusOr<Statement> ParseKillQuery();

  Scanner scanner_;
  const Parameters& parameters_;
  int nesting_ = 0;  // of the parser's own recursion
};

// GROUP BY time()'s interval: 0 without one, of months the longest there is. INVALID_ARGUMENT when
// its arguments are wrong.
absl::StatusOr<int64_t> GroupByInterval(const SelectStatement& statement);

}  // namespace varve::query
