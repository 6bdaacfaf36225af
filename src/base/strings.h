// Text pieces joined, and hash containers that look up std::string_view.
//
// Debian 12's abseil is built with a string_view type of its own, so absl::StrCat and the string
// hash maps of abseil do not take std::string_view. Varve uses std::string_view everywhere and
// converts here, in one place.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace varve::base {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

inline void AppendPiece(std::string& out, std::string_view piece) { out.append(piece); }
inline void AppendPiece(std::string& out, absl::string_view piece) {
  out.append(piece.data(), piece.size());
}
inline void AppendPiece(std::string& out, const std::string& piece) { out.append(piece); }
inline void AppendPiece(std::string& out, const char* piece) { out.append(piece); }
inline void AppendPiece(std::string& out, char piece) { out.push_back(piece); }
inline void AppendPiece(std::string& out, bool piece) { out.append(piece ? "true" : "false"); }
template <typename T>
  requires(std::integral<T> || std::floating_point<T>)
void AppendPiece(std::string& out, T piece) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), piece);
  out.append(buffer, result.ptr);
}

// Returns the pieces joined: text as it is, numbers in decimal (floats in their shortest form).
template <typename... Pieces>
std::string StrCat(const Pieces&... pieces) {
  std::string out;
  (AppendPiece(out, pieces), ...);
  return out;
}

template <typename... Pieces>
void StrAppend(std::string& out, const Pieces&... pieces) {
  (AppendPiece(out, pieces), ...);
}

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return absl::Hash<absl::string_view>{}(ToAbsl(text));
  }
};
struct StringEq {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

// Hash map and set with std::string keys, looked up by anything that is a std::string_view.
template <typename Value>
using StringMap = absl::flat_hash_map<std::string, Value, StringHash, StringEq>;
using StringSet = absl::flat_hash_set<std::string, StringHash, StringEq>;

}  // namespace varve::base
