// The grammar of one line of line protocol, written for exactness.
//
// LineReader reads the lines of everyday shape by itself and comes here for the rest: escapes, odd
// spacing, comments, errors. So this file is the definition of what is accepted and of the words
// of each refusal.
// Source: InfluxDB 1.x, the behaviour of models/points.go as recorded in tests/conformance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/line_protocol.h"

namespace varve::model {

// The largest series key, and the largest series key with a field name and four bytes more.
inline constexpr size_t kMaxKeyBytes = 65535;

// Returns where the line that starts at `start` ends: the offset of its newline, or body.size().
// Newlines inside a quoted value, or behind a backslash, do not end a line.
size_t FindLineEnd(std::string_view body, size_t start);

// How a line's time is read.
struct TimeRule {
  int64_t unit_ns = 1;
  int64_t default_time_ns = 0;  // of a line without a time
};

enum class LineKind : uint8_t { kBlank, kGood, kBad };

// Parses one line, without its newline. A good line is left in `*line`, its fields in `*fields`,
// and the text of its strings that had escapes in `*text_buffer`; of a bad one `*line` has the text
// that messages show, and `*why` the reason.
LineKind ParseLine(std::string_view raw, const TimeRule& rule, std::vector<LineField>* fields,
                   std::string* text_buffer, Line* line, std::string* why);

// Whether two of the raw tags in `raw_key` ("measurement,key=value,...", well-formed) share a key.
bool HasDuplicateTags(std::string_view raw_key);

}  // namespace varve::model
