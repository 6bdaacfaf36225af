// Splits canonical series key bytes without unescaping or copying.
#pragma once

#include <string_view>
#include <vector>

namespace varve::index {

// Borrowed from the key; escapes kept.
struct RawTag {
  std::string_view key;
  std::string_view value;
};

// Splits at unescaped commas and at each tag's first unescaped equals sign. False when `key` is not
// "measurement,key=value,...": some piece has no equals sign.
// Joined again with the same commas and equals signs the pieces give `key`, byte for byte.
bool SplitSeriesKey(std::string_view key, std::string_view* measurement, std::vector<RawTag>* tags);

}  // namespace varve::index
