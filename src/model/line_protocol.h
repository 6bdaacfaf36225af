// Reads InfluxDB line protocol from a body, once, without copying.
//
// Accepts and refuses what InfluxDB 1.x does, with its words (tests/conformance: write_*).
// Source: the behaviour of InfluxDB 1.x's models/points.go, which line_grammar.h restates.
//
// What is refused here is a line on its own: its form, its numbers, its time, the length of its
// key, a tag key given twice. What depends on more than the line is the engine's to refuse, since
// InfluxDB words it differently ("partial write: ... dropped=1"): a tag or a field named "time",
// the types of fields, retention. As in InfluxDB's default build, unsigned integers ("1u") are no
// numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace varve::model {

enum class Precision : uint8_t { kNs, kUs, kMs, kS, kM, kH };

// Parses InfluxDB's `precision` parameter: "", "n", "ns", "u", "us", "ms", "s", "m", "h".
bool ParsePrecision(std::string_view text, Precision* precision);
int64_t NanosecondsPer(Precision precision);

// One field of a line.
struct LineField {
  std::string_view raw_name;  // as written, escapes kept
  FieldValue value;           // a string borrows the reader (unescaped) or the body
};

// One good line. Everything borrows the body or the reader: valid until the next call of a Next().
struct Line {
  std::string_view text;              // the whole line, for messages
  std::string_view raw_key;           // "measurement,tags" as written
  std::span<const LineField> fields;  // at least one; may repeat a name (the last one wins)
  int64_t time_ns = 0;
  bool has_time = false;  // false: the line had none and time_ns is the reader's default time
};

// Unescapes a field name as written.
std::string UnescapeFieldName(std::string_view raw);

// Pulls lines out of a body. One thread at a time. No allocation per line once its buffers have
// grown to the widest line.
class LineReader {
 public:
  // `body` is borrowed for the reader's life. `default_time_ns` is what a line without a time gets,
  // rounded down to the precision as InfluxDB does.
  LineReader(std::string_view body, Precision precision, int64_t default_time_ns);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Moves to the next good line; false at the end of the body. Blank and comment lines are passed
  // over; bad ones too, and added to error().
  bool Next(Line* line) { return Next(std::span(line, 1)) == 1; }
  // The next good lines, as many as there is room for; returns how many, fewer only at the end of
  // the body.
  size_t Next(std::span<Line> lines);

  // Every bad line so far as InfluxDB words it, joined with newlines:
  // "unable to parse '<line>': <why>". Empty when there was none. Its length is bounded: beyond
  // 64 KiB further lines are counted in errors() but not spelled out.
  const std::string& error() const;
  size_t errors() const;

 private:
  struct State;
  State* state_;
};

}  // namespace varve::model
