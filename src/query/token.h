// The words of InfluxQL.
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::query {

enum class Token : uint8_t {
  kIllegal,
  kEof,
  kWhitespace,
  kComment,

  kIdent,
  kBoundParam,   // $name
  kNumber,       // 12345.67
  kInteger,      // 12345
  kDurationVal,  // 13h
  kString,       // 'abc'
  kBadString,    // 'abc
  kBadEscape,    // \q
  kTrue,
  kFalse,
  kRegex,
  kBadRegex,

  kOperatorBegin,
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
  kInList,     // IN (...), which the parser makes of kIn; the scanner knows no such token
  kNotInList,  // NOT IN (...)
  kOperatorEnd,

  kLeftParen,
  kRightParen,
  kComma,
  kColon,
  kDoubleColon,
  kSemicolon,
  kDot,

  kKeywordBegin,
  kAll,
  kAlter,
  kAnalyze,
  kAny,
  kAs,
  kAsc,
  kBegin,
  kBy,
  kCardinality,
  kCreate,
  kContinuous,
  kDatabase,
  kDatabases,
  kDefault,
  kDelete,
  kDesc,
  kDestinations,
  kDiagnostics,
  kDistinct,
  kDrop,
  kDuration,
  kEnd,
  kEvery,
  kExact,
  kExplain,
  kField,
  kFor,
  kFrom,
  kGrant,
  kGrants,
  kGroup,
  kGroups,
  kIn,
  kInf,
  kInsert,
  kInto,
  kKey,
  kKeys,
  kKill,
  kLimit,
  kMeasurement,
  kMeasurements,
  kName,
  kOffset,
  kOn,
  kOrder,
  kPassword,
  kPolicy,
  kPolicies,
  kPrivileges,
  kQueries,
  kQuery,
  kRead,
  kReplication,
  kResample,
  kRetention,
  kRevoke,
  kSelect,
  kSeries,
  kSet,
  kShow,
  kShard,
  kShards,
  kSlimit,
  kSoffset,
  kStats,
  kSubscription,
  kSubscriptions,
  kTag,
  kTo,
  kUser,
  kUsers,
  kValues,
  kWhere,
  kWith,
  kWrite,
  kKeywordEnd,
};

// The token as error messages show it: "+", "SELECT", "EOF", "DURATIONVAL", ...
std::string_view TokenText(Token token);

// kIdent unless `word` is a keyword, in any case of its letters.
Token LookupKeyword(std::string_view word);

inline bool IsOperator(Token token) {
  return token > Token::kOperatorBegin && token < Token::kOperatorEnd;
}
// 1 (OR) to 5 (*, /, %, &); 0 for what is no operator.
int Precedence(Token token);

}  // namespace varve::query
