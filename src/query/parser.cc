#include "query/parser.h"

#include <charconv>
#include <limits>

#include "absl/strings/match.h"
#include "base/status.h"
#include "query/parser_impl.h"

namespace varve::query {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

// Counted as 30 days each they must fit in a duration.
constexpr int64_t kMaxCalendarMonths = 3'500;

// What the unit at `text` is worth, and its length in bytes; 0 for none.
int64_t ReadUnit(std::string_view text, size_t* length) {
  const auto is = [&](std::string_view unit) {
    *length = unit.size();
    return text.substr(0, unit.size()) == unit;
  };
  if (is("ns")) return 1;
  if (is("ms")) return 1'000'000;
  if (is("u") || is("µ")) return 1'000;
  if (is("s")) return kSecondNs;
  if (is("m")) return 60 * kSecondNs;
  if (is("h")) return 3600 * kSecondNs;
  if (is("d")) return 86'400 * kSecondNs;
  if (is("w")) return 604'800 * kSecondNs;
  return 0;
}

std::string TokenAndLiteral(const ScannedToken& token) {
  return token.literal.empty() ? std::string(TokenText(token.token)) : token.literal;
}

template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *out);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

absl::StatusOr<std::vector<Statement>> ParseQuery(std::string_view text,
                                                  const Parameters& parameters) {
  return Parser(text, parameters).ParseQuery();
}

absl::StatusOr<ExprPtr> ParseExpression(std::string_view text, const Parameters& parameters) {
  return Parser(text, parameters).ParseExpr();
}

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  const auto invalid = [] { return base::InvalidArgument("invalid duration"); };
  if (text.size() < 2) return invalid();
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);

  int64_t total = 0;
  while (!text.empty()) {
    int64_t count = 0;
    const auto digits = std::from_chars(text.data(), text.data() + text.size(), count);
    if (digits.ec != std::errc() || text[0] == '-') return invalid();
    const size_t digit_count = static_cast<size_t>(digits.ptr - text.data());
    size_t unit_length = 0;
    const int64_t unit = ReadUnit(text.substr(digit_count), &unit_length);
    if (unit == 0) return invalid();
    int64_t part = 0;
    if (__builtin_mul_overflow(count, unit, &part) || __builtin_add_overflow(total, part, &total)) {
      return base::InvalidArgument("overflowed duration ", count,
                                   text.substr(digit_count, unit_length),
                                   ": choose a smaller duration or INF");
    }
    text.remove_prefix(digit_count + unit_length);
  }
  return negative ? -total : total;
}

std::optional<int64_t> ParseCalendarLength(std::string_view text) {
  int64_t count = 0;
  const auto digits = std::from_chars(text.data(), text.data() + text.size(), count);
  if (digits.ec != std::errc() || text[0] == '-') return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(digits.ptr - text.data()));
  const int64_t months = unit == "mo" ? 1 : unit == "q" ? 3 : unit == "y" ? 12 : 0;
  if (months == 0 || count > kMaxCalendarMonths / months) return std::nullopt;
  return count * months;
}

// --- Tokens

ScannedToken Parser::Bind(ScannedToken token) const {
  if (token.token != Token::kBoundParam) return token;
  const auto it = parameters_.find(std::string_view(token.literal).substr(1));
  if (it == parameters_.end()) return token;
  const ParameterValue& parameter = it->second;
  if (std::holds_alternative<std::vector<ParameterValue>>(parameter.value)) return token;

  if (const auto* text = std::get_if<std::string>(&parameter.value)) {
    token.literal = *text;
    if (parameter.kind == "identifier") {
      token.token = Token::kIdent;
    } else if (parameter.kind == "regex") {
      token.token = Token::kRegex;
    } else {
      token.token = parameter.kind == "duration" ? Token::kDurationVal : Token::kString;
    }
  } else if (const auto* boolean = std::get_if<bool>(&parameter.value)) {
    token.token = *boolean ? Token::kTrue : Token::kFalse;
    token.literal.clear();
  } else if (const auto* integer = std::get_if<int64_t>(&parameter.value)) {
    const bool duration = parameter.kind == "duration";
    token.token = duration ? Token::kDurationVal : Token::kInteger;
    token.literal = duration ? FormatDuration(*integer) : base::StrCat(*integer);
  } else {
    token.token = Token::kNumber;
    char buffer[512];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer),
                                   std::get<double>(parameter.value), std::chars_format::fixed);
    token.literal.assign(buffer, end.ptr);
  }
  return token;
}

ScannedToken Parser::ScanSkippingSpace() {
  for (;;) {
    ScannedToken token = Scan();
    if (token.token != Token::kWhitespace && token.token != Token::kComment) return token;
  }
}

void Parser::SkipWhitespace() {
  if (Scan().token != Token::kWhitespace) Unscan();
}

bool Parser::Accept(Token token) {
  if (ScanSkippingSpace().token == token) return true;
  Unscan();
  return false;
}

bool Parser::AcceptWord(std::string_view word) {
  if (IsWord(ScanSkippingSpace(), word)) return true;
  Unscan();
  return false;
}

bool Parser::IsWord(const ScannedToken& token, std::string_view word) {
  return token.token == Token::kIdent &&
         absl::EqualsIgnoreCase(base::ToAbsl(token.literal), base::ToAbsl(word));
}

absl::Status Parser::Expect(Token token) { return Expect(token, TokenText(token)); }

absl::Status Parser::Expect(Token token, std::string_view expected) {
  const ScannedToken next = ScanSkippingSpace();
  return next.token == token ? absl::OkStatus() : Unexpected(next, expected);
}

absl::Status Parser::Unexpected(const ScannedToken& found, std::string_view expected) {
  return ErrorAt(base::StrCat("found ", TokenAndLiteral(found), ", expected ", expected),
                 found.position);
}

absl::Status Parser::ErrorAt(std::string_view message, Position position) {
  return base::InvalidArgument(message, " at line ", position.line + 1, ", char ",
                               position.character + 1);
}

absl::Status Parser::CheckNesting(int depth) const {
  if (nesting_ > kMaxNesting) {
    return base::InvalidArgument("query is nested deeper than ", kMaxNesting, " levels");
  }
  if (depth > kMaxExpressionDepth) {
    return base::InvalidArgument("expression is longer than ", kMaxExpressionDepth, " operators");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Parser::ParseIdent() {
  ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kIdent) return Unexpected(token, "identifier");
  return std::move(token.literal);
}

absl::StatusOr<std::vector<std::string>> Parser::ParseIdentList() {
  std::vector<std::string> names;
  do {
    ASSIGN_OR_RETURN(std::string name, ParseIdent());
    names.push_back(std::move(name));
  } while (Accept(Token::kComma));
  return names;
}

absl::StatusOr<std::vector<std::string>> Parser::ParseSegmentedIdents() {
  std::vector<std::string> segments;
  ASSIGN_OR_RETURN(std::string first, ParseIdent());
  segments.push_back(std::move(first));
  for (;;) {
    if (Scan().token != Token::kDot) {
      Unscan();
      break;
    }
    const char32_t next = scanner_.PeekCharacter();
    // A regular expression or a back-reference follows: the caller's.
    if (next == '/' || next == ':') break;
    if (next == '.') {
      segments.emplace_back();
      continue;
    }
    ASSIGN_OR_RETURN(std::string name, ParseIdent());
    segments.push_back(std::move(name));
  }
  if (segments.size() <= 3) return segments;

  std::string text;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    std::string name = segments[i].empty() && !last ? "" : QuoteIdentifier(segments[i]);
    if (!last && !name.empty() && name[0] != '"') name = base::StrCat("\"", name, "\"");
    base::StrAppend(text, name, last ? "" : ".");
  }
  return ErrorAt(base::StrCat("too many segments in ", text), {});
}

absl::StatusOr<std::string> Parser::ParseString() {
  ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kString) return Unexpected(token, "string");
  return std::move(token.literal);
}

absl::StatusOr<std::vector<std::string>> Parser::ParseStringList() {
  std::vector<std::string> strings;
  do {
    ASSIGN_OR_RETURN(std::string text, ParseString());
    strings.push_back(std::move(text));
  } while (Accept(Token::kComma));
  return strings;
}

absl::StatusOr<int64_t> Parser::ParseInt(int64_t min, int64_t max) {
  const ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kInteger) return Unexpected(token, "integer");
  int64_t value = 0;
  if (!ParseNumber(token.literal, &value)) {
    return ErrorAt(
        base::StrCat("strconv.Atoi: parsing \"", token.literal, "\": value out of range"),
        token.position);
  }
  if (value < min || value > max) {
    return ErrorAt(base::StrCat("invalid value ", value, ": must be ", min, " <= n <= ", max),
                   token.position);
  }
  return value;
}

absl::StatusOr<uint64_t> Parser::ParseUnsigned() {
  const ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kInteger) return Unexpected(token, "integer");
  uint64_t value = 0;
  if (!ParseNumber(token.literal, &value)) {
    const std::string_view why = token.literal[0] == '-' ? "invalid syntax" : "value out of range";
    return ErrorAt(base::StrCat("strconv.ParseUint: parsing \"", token.literal, "\": ", why),
                   token.position);
  }
  return value;
}

absl::StatusOr<int64_t> Parser::ParsePolicyDuration() {
  const ScannedToken token = ScanSkippingSpace();
  if (token.token == Token::kInf) return 0;
  if (token.token != Token::kDurationVal) return Unexpected(token, "duration");
  absl::StatusOr<int64_t> duration = ParseDuration(token.literal);
  if (!duration.ok()) return ErrorAt(base::MessageOf(duration.status()), token.position);
  return duration;
}

absl::StatusOr<int64_t> Parser::ParseOptionalInt(Token keyword) {
  if (!Accept(keyword)) return 0;
  const ScannedToken token = ScanSkippingSpace();
  if (token.token != Token::kInteger) return Unexpected(token, "integer");
  int64_t value = 0;
  if (!ParseNumber(token.literal, &value)) value = std::numeric_limits<int64_t>::max();
  if (value < 0) {
    return ErrorAt(base::StrCat(TokenText(keyword), " must be >= 0"), token.position);
  }
  return value;
}

absl::StatusOr<std::vector<Statement>> Parser::ParseQuery() {
  std::vector<Statement> statements;
  bool separated = true;
  for (;;) {
    const ScannedToken token = ScanSkippingSpace();
    if (token.token == Token::kEof) return statements;
    if (token.token == Token::kSemicolon) {
      separated = true;
      continue;
    }
    if (!separated) return Unexpected(token, ";");
    Unscan();
    ASSIGN_OR_RETURN(Statement statement, ParseStatement());
    statements.push_back(std::move(statement));
    separated = false;
  }
}

}  // namespace varve::query
