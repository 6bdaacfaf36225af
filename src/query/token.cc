#include "query/token.h"

#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "base/strings.h"

namespace varve::query {
namespace {

// In the order of the enumeration. InfluxDB has no text for some: they are empty.
constexpr std::array kTexts = {std::to_array<std::string_view>({"ILLEGAL",
                                                                "EOF",
                                                                "WS",
                                                                "",
                                                                "IDENT",
                                                                "",
                                                                "NUMBER",
                                                                "",
                                                                "DURATIONVAL",
                                                                "STRING",
                                                                "BADSTRING",
                                                                "BADESCAPE",
                                                                "TRUE",
                                                                "FALSE",
                                                                "REGEX",
                                                                "",
                                                                "",
                                                                "+",
                                                                "-",
                                                                "*",
                                                                "/",
                                                                "%",
                                                                "&",
                                                                "|",
                                                                "^",
                                                                "AND",
                                                                "OR",
                                                                "=",
                                                                "!=",
                                                                "=~",
                                                                "!~",
                                                                "<",
                                                                "<=",
                                                                ">",
                                                                ">=",
                                                                "IN",
                                                                "NOT IN",
                                                                "",
                                                                "(",
                                                                ")",
                                                                ",",
                                                                ":",
                                                                "::",
                                                                ";",
                                                                ".",
                                                                "",
                                                                "ALL",
                                                                "ALTER",
                                                                "ANALYZE",
                                                                "ANY",
                                                                "AS",
                                                                "ASC",
                                                                "BEGIN",
                                                                "BY",
                                                                "CARDINALITY",
                                                                "CREATE",
                                                                "CONTINUOUS",
                                                                "DATABASE",
                                                                "DATABASES",
                                                                "DEFAULT",
                                                                "DELETE",
                                                                "DESC",
                                                                "DESTINATIONS",
                                                                "DIAGNOSTICS",
                                                                "DISTINCT",
                                                                "DROP",
                                                                "DURATION",
                                                                "END",
                                                                "EVERY",
                                                                "EXACT",
                                                                "EXPLAIN",
                                                                "FIELD",
                                                                "FOR",
                                                                "FROM",
                                                                "GRANT",
                                                                "GRANTS",
                                                                "GROUP",
                                                                "GROUPS",
                                                                "IN",
                                                                "INF",
                                                                "INSERT",
                                                                "INTO",
                                                                "KEY",
                                                                "KEYS",
                                                                "KILL",
                                                                "LIMIT",
                                                                "MEASUREMENT",
                                                                "MEASUREMENTS",
                                                                "NAME",
                                                                "OFFSET",
                                                                "ON",
                                                                "ORDER",
                                                                "PASSWORD",
                                                                "POLICY",
                                                                "POLICIES",
                                                                "PRIVILEGES",
                                                                "QUERIES",
                                                                "QUERY",
                                                                "READ",
                                                                "REPLICATION",
                                                                "RESAMPLE",
                                                                "RETENTION",
                                                                "REVOKE",
                                                                "SELECT",
                                                                "SERIES",
                                                                "SET",
                                                                "SHOW",
                                                                "SHARD",
                                                                "SHARDS",
                                                                "SLIMIT",
                                                                "SOFFSET",
                                                                "STATS",
                                                                "SUBSCRIPTION",
                                                                "SUBSCRIPTIONS",
                                                                "TAG",
                                                                "TO",
                                                                "USER",
                                                                "USERS",
                                                                "VALUES",
                                                                "WHERE",
                                                                "WITH",
                                                                "WRITE",
                                                                ""})};
static_assert(kTexts.size() == static_cast<size_t>(Token::kKeywordEnd) + 1);

constexpr size_t kLongestKeyword = 13;  // SUBSCRIPTIONS

base::StringMap<Token> MakeKeywords() {
  base::StringMap<Token> keywords;
  const auto add = [&](Token token) {
    keywords.emplace(absl::AsciiStrToLower(base::ToAbsl(TokenText(token))), token);
  };
  for (int i = static_cast<int>(Token::kKeywordBegin) + 1; i < static_cast<int>(Token::kKeywordEnd);
       ++i) {
    add(static_cast<Token>(i));
  }
  for (const Token token : {Token::kAnd, Token::kOr, Token::kTrue, Token::kFalse}) add(token);
  return keywords;
}

}  // namespace

std::string_view TokenText(Token token) { return kTexts[static_cast<size_t>(token)]; }

Token LookupKeyword(std::string_view word) {
  static const base::StringMap<Token> keywords = MakeKeywords();
  if (word.size() > kLongestKeyword) return Token::kIdent;
  const auto it = keywords.find(absl::AsciiStrToLower(base::ToAbsl(word)));
  return it == keywords.end() ? Token::kIdent : it->second;
}

int Precedence(Token token) {
  switch (token) {
    case Token::kOr:
      return 1;
    case Token::kAnd:
      return 2;
    case Token::kEq:
    case Token::kNeq:
    case Token::kEqRegex:
    case Token::kNeqRegex:
    case Token::kLt:
    case Token::kLte:
    case Token::kGt:
    case Token::kGte:
    case Token::kInList:
    case Token::kNotInList:
      return 3;
    case Token::kAdd:
    case Token::kSub:
    case Token::kBitOr:
    case Token::kBitXor:
      return 4;
    case Token::kMul:
    case Token::kDiv:
    case Token::kMod:
    case Token::kBitAnd:
      return 5;
    default:
      return 0;
  }
}

}  // namespace varve::query
