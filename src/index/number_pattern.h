// Takes the decimal numbers out of a tag value: "host_0042.eu-1" is the pattern "host_#4.eu-#" with
// the numbers 42 and 1. Values that differ only in their numbers then share one dictionary entry.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace varve::index {

inline constexpr size_t kPatternNumbersMax = 6;

// Replaces `pattern` and fills `numbers` (kPatternNumbersMax of them); returns how many there are.
// In a pattern the byte 1 stands for a number without leading zeros, and the byte 2 and a width for
// one written with that many digits. A value that holds a byte of 1 or 2 has no pattern: returns
// false.
bool SplitNumbers(std::string_view value, std::string* pattern, uint64_t* numbers, size_t* count);

// Appends the value that `pattern` and `numbers` came from. False when `pattern` is malformed or
// wants more numbers than there are.
bool JoinNumbers(std::string_view pattern, std::span<const uint64_t> numbers, std::string* value);

}  // namespace varve::index
