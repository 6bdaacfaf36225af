#include "http/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace varve::http {
namespace {

// True for bytes that are copied as they are.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[static_cast<size_t>(c)] = true;
  for (const char c : {'"', '\\', '<', '>', '&'}) plain[static_cast<uint8_t>(c)] = false;
  return plain;
}();

void AppendEscaped(std::string& out, uint8_t c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

// Bytes of the well-formed UTF-8 sequence at the start of `text`, which begins with a byte from
// 0x80 on; 0 when there is none (RFC 3629: no overlong forms, no surrogates).
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  size_t length = 0;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

bool IsPlainJson(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kPlain[static_cast<uint8_t>(c)]; });
}

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t start = 0;
  size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (kPlain[c]) {
      ++i;
      continue;
    }
    size_t length = 1;
    if (c >= 0x80) {
      length = SequenceLength(text.substr(i));
      const std::string_view sequence = text.substr(i, length);
      if (length != 0 && sequence != "\xe2\x80\xa8" && sequence != "\xe2\x80\xa9") {
        i += length;
        continue;
      }
    }
    out.append(text.substr(start, i - start));
    if (c < 0x80) {
      AppendEscaped(out, c);
    } else if (length == 0) {
      out += "\\ufffd";
      length = 1;
    } else {
      out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
    }
    i += length;
    start = i;
  }
  out.append(text.substr(start));
  out.push_back('"');
}

}  // namespace varve::http
