// InfluxQL text to tokens, with InfluxDB's rules for what a character means where and its
// positions: lines and characters (not bytes) from 0, a carriage return read as a newline.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "query/token.h"

namespace varve::query {

struct Position {
  int line = 0;
  int character = 0;
};

struct ScannedToken {
  Token token = Token::kIllegal;
  Position position;
  std::string literal;  // text of names, numbers, strings, regular expressions; UTF-8
};

// One thread at a time.
class Scanner {
 public:
  explicit Scanner(std::string_view text);

  // The next token. `Unscan` puts the last one back; at most three in a row.
  const ScannedToken& Scan();
  // The next token, read as a regular expression when none is put back: /.../.
  const ScannedToken& ScanRegex();
  void Unscan() { ++unscanned_; }

  // The next character that is in no token yet, 0 at the end (which counts as read then).
  char32_t PeekCharacter();

 private:
  static constexpr char32_t kEnd = 0;

  char32_t Read();
  void Unread() { --next_; }
  char32_t Current() const { return At(next_ - 1); }
  char32_t At(size_t index) const;
  Position PositionAt(size_t index) const;

  ScannedToken ScanToken();
  ScannedToken ScanRegexToken();
  ScannedToken ScanWhitespace();
  ScannedToken ScanIdent(bool lookup);
  ScannedToken ScanString();
  ScannedToken ScanNumber();
  void ScanDigits(std::string* out);
  void SkipLine();
  bool SkipComment();  // false: it does not end
  const ScannedToken& Push(ScannedToken token);
  const ScannedToken& Latest() const;

  // Reading past the end goes on to return kEnd, each time one place further: as in InfluxDB, an
  // end that was met twice is one character later.
  std::vector<char32_t> characters_;
  std::vector<size_t> line_starts_;  // index of the first character of each line
  size_t next_ = 0;

  std::array<ScannedToken, 4> ring_;
  size_t newest_ = 0;
  size_t unscanned_ = 0;
};

// True for what may stand in a name without quotes.
bool IsIdentCharacter(char32_t c);
bool IsIdentFirstCharacter(char32_t c);
bool IsWhitespace(char32_t c);

}  // namespace varve::query
