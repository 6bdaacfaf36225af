// Numbers of line protocol, written for exactness; LineReader reads short ones by itself.
// Source: InfluxDB 1.x, the behaviour of scanNumber in models/points.go; Go's strconv.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"

namespace varve::model {

// Whether a field value that starts like `text` is taken for a number (else for a boolean).
bool StartsNumber(std::string_view text);

// InfluxDB's words where the value `text` is no number it takes; nothing where it is one.
std::optional<std::string> CheckNumber(std::string_view text);

// Parses a number: floats, and integers by their "i". True exactly where CheckNumber() has no
// objection.
bool ParseNumber(std::string_view text, FieldValue* value);

// Parses a decimal int64, or says in Go's words why it is none.
std::optional<std::string> ParseInteger(std::string_view text, int64_t* value);

}  // namespace varve::model
