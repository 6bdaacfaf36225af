// UTF-8, one character at a time; a malformed byte reads as U+FFFD, as in Go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace varve::query {

// The character at `*at` < text.size(); moves `*at` behind it.
inline char32_t NextUtf8(std::string_view text, size_t* at) {
  constexpr char32_t kReplacement = 0xfffd;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte((*at)++);
  if (lead < 0x80) return lead;
  const int extra = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || *at + extra > text.size()) return kReplacement;
  char32_t c = lead & (0x3f >> extra);
  for (int i = 0; i < extra; ++i) {
    if ((byte(*at + i) & 0xc0) != 0x80) return kReplacement;
    c = (c << 6) | (byte(*at + i) & 0x3f);
  }
  constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (c < kLeast[extra] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return kReplacement;
  *at += extra;
  return c;
}

inline void AppendUtf8(char32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

}  // namespace varve::query
