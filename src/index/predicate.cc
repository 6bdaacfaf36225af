#include "index/predicate.h"

#include <re2/re2.h>

#include <optional>
#include <utility>

#include "base/status.h"

namespace varve::index {
namespace {

// Reads the alternatives of `^lit$`, `^(lit|lit)$` and `^(?:lit|lit)$`, the shapes dashboards send
// for a choice of values. Anything but literal characters and escaped punctuation gives nullopt.
std::optional<std::vector<std::string>> ReadAlternatives(std::string_view pattern) {
  if (pattern.size() < 2 || pattern.front() != '^' || pattern.back() != '$') return std::nullopt;
  pattern = pattern.substr(1, pattern.size() - 2);
  bool group = false;
  if (pattern.starts_with("(?:")) {
    pattern.remove_prefix(3);
    group = true;
  } else if (pattern.starts_with('(')) {
    pattern.remove_prefix(1);
    group = true;
  }
  if (group) {
    if (!pattern.ends_with(')')) return std::nullopt;
    pattern.remove_suffix(1);
  }
  std::vector<std::string> alternatives(1);
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '|') {
      if (!group) return std::nullopt;  // ^a|b$ binds the other way
      alternatives.emplace_back();
    } else if (c == '\\') {
      if (++i == pattern.size()) return std::nullopt;
      if (std::string_view(".+*?()|[]{}^$\\/-").find(pattern[i]) == std::string_view::npos) {
        return std::nullopt;
      }
      alternatives.back().push_back(pattern[i]);
    } else if (byte >= 0x80 || std::string_view(".+*?()[]{}^$").find(c) != std::string_view::npos) {
      return std::nullopt;
    } else {
      alternatives.back().push_back(c);
    }
  }
  return alternatives;
}

// Go's words for what RE2 reports; clients see them.
std::string_view GoReason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    default:
      return "expression too large";
  }
}

class Re2Regex : public TagRegex {
 public:
  Re2Regex(std::string_view pattern, const RE2::Options& options)
      : pattern_(pattern),
        re2_(re2::StringPiece(pattern_.data(), pattern_.size()), options),
        alternatives_(ReadAlternatives(pattern)) {}

  bool ok() const { return re2_.ok(); }
  std::string error() const {
    return base::StrCat("error parsing regexp: ", GoReason(re2_.error_code()), ": `",
                        re2_.error_arg(), "`");
  }

  bool Matches(std::string_view text) const override {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re2_);
  }
  const std::string& pattern() const override { return pattern_; }
  const std::vector<std::string>* alternatives() const override {
    return alternatives_ ? &*alternatives_ : nullptr;
  }

 private:
  const std::string pattern_;
  const RE2 re2_;
  const std::optional<std::vector<std::string>> alternatives_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const TagRegex>> TagRegex::Compile(std::string_view pattern) {
  // UTF-8, as in Go. One difference: for Go a byte that is no UTF-8 is U+FFFD, which `.` matches.
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const Re2Regex>(pattern, options);
  if (!regex->ok()) {
    return base::InvalidArgument(regex->error());
  }
  return std::shared_ptr<const TagRegex>(std::move(regex));
}

}  // namespace varve::index
