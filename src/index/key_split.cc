#include "index/key_split.h"

#include <algorithm>

namespace varve::index {
namespace {

// The position of the first `stop` at or behind `at`, or the size of `text`.
struct FindAny {
  size_t operator()(std::string_view text, char stop, size_t at) const {
    return std::min(text.find(stop, at), text.size());
  }
};

// The same, of those that no backslash stands before.
struct FindUnescaped {
  size_t operator()(std::string_view text, char stop, size_t at) const {
    while (at < text.size() && text[at] != stop) at += text[at] == '\\' ? 2 : 1;
    return std::min(at, text.size());
  }
};

template <typename Find>
bool Split(std::string_view key, Find find, std::string_view* measurement,
           std::vector<RawTag>* tags) {
  tags->clear();
  size_t at = find(key, ',', 0);
  *measurement = key.substr(0, at);
  while (at < key.size()) {
    const size_t start = at + 1;
    const size_t equals = find(key, '=', start);
    if (equals == key.size()) return false;
    const std::string_view name = key.substr(start, equals - start);
    if (find(name, ',', 0) != name.size()) return false;
    at = find(key, ',', equals + 1);
    tags->push_back({name, key.substr(equals + 1, at - equals - 1)});
  }
  return true;
}

}  // namespace

bool SplitSeriesKey(std::string_view key, std::string_view* measurement,
                    std::vector<RawTag>* tags) {
  const bool has_escape = key.find('\\') != key.npos;
  return has_escape ? Split(key, FindUnescaped(), measurement, tags)
                    : Split(key, FindAny(), measurement, tags);
}

}  // namespace varve::index
