// Lines of plain shape, read along the marks FindMarks() found: the fast way through a body.
//
// Plain: no backslash, comment, stray space or quote, and no newline inside a string. Such a line
// gives exactly what ParseLine() gives; for any other, and for every bad one, Parse() says no and
// ParseLine() decides.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/line_grammar.h"
#include "model/line_protocol.h"

namespace varve::model {

// One thread at a time.
class PlainLineParser {
 public:
  // Parses the line that starts at text + start.
  //   marks  the first mark of `text` at or behind `start`; a newline is among those that follow.
  //          A plain line moves it behind the line's newline; otherwise it is left alone.
  // kNumberPadding bytes must be readable behind the newline. The result borrows `text`, which
  // stays unchanged while this parser is used, and the parser, until the next call.
  bool Parse(const char* text, uint32_t start, const uint32_t** marks, const TimeRule& rule,
             Line* line);

 private:
  struct TagKey {
    std::string_view text;
    uint64_t head;  // its first eight bytes, or all, and zeros
  };

  const uint32_t* ParseTags(const char* text, const uint32_t* mark);
  const uint32_t* ParseFields(const char* text, const uint32_t* mark);
  bool TagKeysAreDistinct();

  std::vector<LineField> fields_;
  size_t field_count_ = 0;
  std::vector<TagKey> tags_;
  std::vector<TagKey> checked_tags_;  // of the last line found without duplicates
  size_t tag_count_ = 0;
  size_t checked_count_ = 0;
};

}  // namespace varve::model
