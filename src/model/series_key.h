// The canonical bytes of a series: what InfluxDB prints in SHOW SERIES.
//
// `measurement,key=value,key=value` with the tags in ascending order of their keys' bytes, each key
// once, no empty value; commas and spaces in the measurement, and commas, spaces and equals signs
// in tag keys and values, escaped with a backslash. Two series are the same exactly when these
// bytes are.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace varve::model {

// Unescaped.
struct Tag {
  std::string key;
  std::string value;
  friend bool operator==(const Tag&, const Tag&) = default;
};

struct SeriesKey {
  std::string measurement;
  std::vector<Tag> tags;  // ascending by key, keys unique, values not empty

  // The canonical bytes.
  std::string Encode() const;
  friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};

// Parses canonical bytes. They are trusted to be what Encode() gave: malformed input gives an
// unspecified key but never reads outside `bytes`.
SeriesKey DecodeSeriesKey(std::string_view bytes);

// The unescaped measurement of canonical bytes.
std::string MeasurementOf(std::string_view bytes);

// Finds the value of `tag_key` in canonical bytes. Returns false when the series lacks the tag.
// `value` is replaced with the unescaped text. No allocation beyond growing `value`.
bool FindTag(std::string_view bytes, std::string_view tag_key, std::string* value);

// Turns the bytes before a line's first unescaped space, as a client wrote them, into a SeriesKey:
// unescapes, sorts the tags, and drops none. INVALID_ARGUMENT with InfluxDB's words ("missing tag
// value", "duplicate tags", ...) where they are no series.
//
// A measurement loses the backslashes before commas and spaces twice, as in InfluxDB, which makes
// its canonical bytes from an unescaped name by unescaping that again: `a\\ b` is `a\ b`.
absl::StatusOr<SeriesKey> ParseRawSeriesKey(std::string_view raw);

// Whether `raw` is its own canonical bytes, as is plain to see: no escape, tags in order. False
// says nothing.
bool IsPlainlyCanonical(std::string_view raw);

// Whether ParseRawSeriesKey() of canonical bytes gives the series whose bytes they are. It does not
// when a backslash of the measurement itself stands before what a backslash escapes.
bool MeansItself(std::string_view bytes);

}  // namespace varve::model
