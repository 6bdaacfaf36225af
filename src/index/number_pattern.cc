#include "index/number_pattern.h"

#include <charconv>

namespace varve::index {
namespace {

constexpr char kPlain = 1;
constexpr char kPadded = 2;
constexpr size_t kDigitsMax = 18;  // fits 64 bits

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool SplitNumbers(std::string_view value, std::string* pattern, uint64_t* numbers, size_t* count) {
  pattern->clear();
  *count = 0;
  for (size_t i = 0; i < value.size();) {
    const char c = value[i];
    if (c == kPlain || c == kPadded) return false;
    if (!IsDigit(c)) {
      pattern->push_back(c);
      ++i;
      continue;
    }
    size_t end = i;
    uint64_t number = 0;
    while (end < value.size() && IsDigit(value[end])) {
      if (end - i < kDigitsMax) number = number * 10 + static_cast<uint64_t>(value[end] - '0');
      ++end;
    }
    const size_t digits = end - i;
    if (digits > kDigitsMax || *count == kPatternNumbersMax) {
      pattern->append(value.substr(i, digits));
    } else {
      if (c == '0' && digits > 1) {
        pattern->push_back(kPadded);
        pattern->push_back(static_cast<char>(digits));
      } else {
        pattern->push_back(kPlain);
      }
      numbers[(*count)++] = number;
    }
    i = end;
  }
  return true;
}

bool JoinNumbers(std::string_view pattern, std::span<const uint64_t> numbers, std::string* value) {
  size_t next = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != kPlain && c != kPadded) {
      value->push_back(c);
      continue;
    }
    if (next == numbers.size()) return false;
    char digits[20];
    const auto result = std::to_chars(digits, digits + sizeof(digits), numbers[next++]);
    const auto written = static_cast<size_t>(result.ptr - digits);
    if (c == kPadded) {
      if (++i == pattern.size()) return false;
      const auto width = static_cast<uint8_t>(pattern[i]);
      if (width > written) value->append(width - written, '0');
    }
    value->append(digits, written);
  }
  return true;
}

}  // namespace varve::index
