#include "query/scanner.h"

#include <algorithm>
#include <cstdint>

#include "query/utf8.h"

namespace varve::query {
namespace {

bool IsLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsDurationLetter(char32_t c) { return IsLetter(c) || c == U'µ'; }

}  // namespace

bool IsIdentCharacter(char32_t c) { return IsLetter(c) || IsDigit(c) || c == '_'; }
bool IsIdentFirstCharacter(char32_t c) { return IsLetter(c) || c == '_'; }
bool IsWhitespace(char32_t c) { return c == ' ' || c == '\t' || c == '\n'; }

Scanner::Scanner(std::string_view text) : line_starts_{0} {
  characters_.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    char32_t c = NextUtf8(text, &at);
    if (c == '\r') {
      if (at < text.size() && text[at] == '\n') ++at;
      c = '\n';
    }
    characters_.push_back(c);
    if (c == '\n') line_starts_.push_back(characters_.size());
  }
}

char32_t Scanner::At(size_t index) const {
  return index < characters_.size() ? characters_[index] : kEnd;
}

char32_t Scanner::Read() { return At(next_++); }

Position Scanner::PositionAt(size_t index) const {
  if (index == static_cast<size_t>(-1)) return {};  // before the first character
  const size_t last = std::min(index, characters_.size() + 1);
  const auto line = std::upper_bound(line_starts_.begin(), line_starts_.end(), last) - 1;
  return {static_cast<int>(line - line_starts_.begin()), static_cast<int>(last - *line)};
}

const ScannedToken& Scanner::Latest() const {
  return ring_[(newest_ + ring_.size() - unscanned_) % ring_.size()];
}

const ScannedToken& Scanner::Push(ScannedToken token) {
  newest_ = (newest_ + 1) % ring_.size();
  ring_[newest_] = std::move(token);
  return ring_[newest_];
}

const ScannedToken& Scanner::Scan() {
  if (unscanned_ > 0) {
    --unscanned_;
    return Latest();
  }
  return Push(ScanToken());
}

const ScannedToken& Scanner::ScanRegex() {
  if (unscanned_ > 0) {
    --unscanned_;
    return Latest();
  }
  return Push(ScanRegexToken());
}

char32_t Scanner::PeekCharacter() {
  const char32_t c = Read();
  if (c != kEnd) Unread();
  return c;
}

ScannedToken Scanner::ScanToken() {
  const char32_t c = Read();
  const Position position = PositionAt(next_ - 1);
  if (IsWhitespace(c)) return ScanWhitespace();
  if (IsIdentFirstCharacter(c) || c == '"') {
    Unread();
    return ScanIdent(true);
  }
  if (IsDigit(c)) return ScanNumber();

  const auto make = [&](Token token) { return ScannedToken{token, position, {}}; };
  // Takes the next character when it is `second`.
  const auto follows = [&](char32_t second) {
    if (Read() == second) return true;
    Unread();
    return false;
  };
  switch (c) {
    case kEnd:
      return make(Token::kEof);
    case '\'':
      return ScanString();
    case '.':
      return IsDigit(At(next_)) ? ScanNumber() : make(Token::kDot);
    case '$': {
      ScannedToken name = ScanIdent(false);
      if (name.token == Token::kIdent) name.token = Token::kBoundParam;
      name.position = position;
      name.literal.insert(0, 1, '$');
      return name;
    }
    case '+':
      return make(Token::kAdd);
    case '-':
      if (!follows('-')) return make(Token::kSub);
      SkipLine();
      return make(Token::kComment);
    case '*':
      return make(Token::kMul);
    case '/':
      if (!follows('*')) return make(Token::kDiv);
      return make(SkipComment() ? Token::kComment : Token::kIllegal);
    case '%':
      return make(Token::kMod);
    case '&':
      return make(Token::kBitAnd);
    case '|':
      return make(Token::kBitOr);
    case '^':
      return make(Token::kBitXor);
    case '=':
      return make(follows('~') ? Token::kEqRegex : Token::kEq);
    case '!':
      if (follows('=')) return make(Token::kNeq);
      if (follows('~')) return make(Token::kNeqRegex);
      break;
    case '>':
      return make(follows('=') ? Token::kGte : Token::kGt);
    case '<':
      if (follows('=')) return make(Token::kLte);
      return make(follows('>') ? Token::kNeq : Token::kLt);
    case '(':
      return make(Token::kLeftParen);
    case ')':
      return make(Token::kRightParen);
    case ',':
      return make(Token::kComma);
    case ';':
      return make(Token::kSemicolon);
    case ':':
      return make(follows(':') ? Token::kDoubleColon : Token::kColon);
    default:
      break;
  }
  ScannedToken illegal = make(Token::kIllegal);
  AppendUtf8(c, &illegal.literal);
  return illegal;
}

ScannedToken Scanner::ScanWhitespace() {
  ScannedToken token{Token::kWhitespace, PositionAt(next_ - 1), {}};
  AppendUtf8(Current(), &token.literal);
  for (;;) {
    const char32_t c = Read();
    if (c == kEnd) break;
    if (!IsWhitespace(c)) {
      Unread();
      break;
    }
    AppendUtf8(c, &token.literal);
  }
  return token;
}

void Scanner::SkipLine() {
  for (char32_t c = Read(); c != '\n' && c != kEnd; c = Read()) {
  }
}

bool Scanner::SkipComment() {
  for (char32_t c = Read();; c = Read()) {
    while (c == '*') {
      c = Read();
      if (c == '/') return true;
    }
    if (c == kEnd) return false;
  }
}

// A quoted part ends the name and is all of it, as in InfluxDB: ab"cd" is cd.
ScannedToken Scanner::ScanIdent(bool lookup) {
  ScannedToken token{Token::kIdent, PositionAt(next_), {}};
  for (;;) {
    const char32_t c = Read();
    if (c == kEnd) break;
    if (c == '"') {
      ScannedToken quoted = ScanString();
      if (quoted.token != Token::kString) return quoted;
      token.literal = std::move(quoted.literal);
      return token;
    }
    if (!IsIdentCharacter(c)) {
      Unread();
      break;
    }
    AppendUtf8(c, &token.literal);
    // The end met behind a name counts once here and once above.
    char32_t next = Read();
    for (; IsIdentCharacter(next); next = Read()) AppendUtf8(next, &token.literal);
    if (next != kEnd) Unread();
  }
  if (lookup) {
    token.token = LookupKeyword(token.literal);
    if (token.token != Token::kIdent) token.literal.clear();
  }
  return token;
}

ScannedToken Scanner::ScanString() {
  // InfluxDB gives the place before the quote.
  const char32_t quote = Current();
  ScannedToken token{Token::kString, PositionAt(next_ - 2), {}};
  for (;;) {
    const char32_t c = Read();
    if (c == quote) return token;
    if (c == kEnd || c == '\n') {
      token.token = Token::kBadString;
      return token;
    }
    if (c != '\\') {
      AppendUtf8(c, &token.literal);
      continue;
    }
    const char32_t escaped = Read();
    if (escaped == 'n') {
      token.literal.push_back('\n');
    } else if (escaped == '\\' || escaped == '"' || escaped == '\'') {
      token.literal.push_back(static_cast<char>(escaped));
    } else {
      token.token = Token::kBadEscape;
      token.position = PositionAt(next_ - 1);
      token.literal = "\\";
      AppendUtf8(escaped, &token.literal);
      return token;
    }
  }
}

ScannedToken Scanner::ScanRegexToken() {
  ScannedToken token{Token::kBadRegex, PositionAt(next_ - 1), {}};
  if (Read() != '/') return token;
  std::string pattern;
  for (;;) {
    const char32_t c = Read();
    if (c == '/') break;
    if (c == kEnd || c == '\n') return token;
    if (c == '\\') {
      const char32_t escaped = Read();
      if (escaped == kEnd) return token;
      if (escaped == '/') {
        pattern.push_back('/');
        continue;
      }
      Unread();
    }
    AppendUtf8(c, &pattern);
  }
  token.token = Token::kRegex;
  token.literal = std::move(pattern);
  return token;
}

ScannedToken Scanner::ScanNumber() {
  ScannedToken token{Token::kNumber, PositionAt(next_ - 1), {}};
  Unread();
  ScanDigits(&token.literal);
  if (Read() == '.') {  // "5." is the number 5
    const char32_t digit = Read();
    if (IsDigit(digit)) {
      token.literal.push_back('.');
      AppendUtf8(digit, &token.literal);
      ScanDigits(&token.literal);
    } else {
      Unread();
    }
    return token;
  }
  Unread();

  // A letter makes it a duration, whatever follows.
  char32_t c = Read();
  if (!IsDurationLetter(c)) {
    Unread();
    token.token = Token::kInteger;
    return token;
  }
  for (; IsDurationLetter(c) || IsDigit(c); c = Read()) AppendUtf8(c, &token.literal);
  Unread();
  token.token = Token::kDurationVal;
  return token;
}

void Scanner::ScanDigits(std::string* out) {
  char32_t c = Read();
  for (; IsDigit(c); c = Read()) AppendUtf8(c, out);
  Unread();
}

}  // namespace varve::query
