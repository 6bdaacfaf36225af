#include "index/key_split.h"

#include <algorithm>
#include <cstring>

namespace varve::index {
namespace {

// The position of the first unescaped `stop` at or behind `at`, or the size of `text`.
size_t FindUnescaped(std::string_view text, char stop, size_t at) {
  while (at < text.size() && text[at] != stop) at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

}  // namespace

bool SplitSeriesKey(std::string_view key, std::string_view* measurement,
                    std::vector<RawTag>* tags) {
  tags->clear();
  size_t at = FindUnescaped(key, ',', 0);
  *measurement = key.substr(0, at);
  while (at < key.size()) {
    const size_t start = at + 1;
    const size_t equals = FindUnescaped(key, '=', start);
    if (equals == key.size()) return false;
    const std::string_view name = key.substr(start, equals - start);
    if (FindUnescaped(name, ',', 0) != name.size()) return false;
    at = FindUnescaped(key, ',', equals + 1);
    tags->push_back({name, key.substr(equals + 1, at - equals - 1)});
  }
  return true;
}

}  // namespace varve::index
