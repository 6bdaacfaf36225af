#include "query/regex_error.h"

#include <re2/re2.h>

#include "base/status.h"

namespace varve::query {
namespace {

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
    case RE2::ErrorPatternTooLarge:
      return "expression is too large";
    case RE2::NoError:
    case RE2::ErrorInternal:
      break;
  }
  return "regexp/syntax: internal error";
}

}  // namespace

absl::StatusOr<std::shared_ptr<const index::TagRegex>> CompileRegex(std::string_view pattern) {
  auto compiled = index::TagRegex::Compile(pattern);
  if (compiled.ok()) return compiled;

  const std::string text(pattern);
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 regex(text, options);
  if (regex.ok()) return compiled;
  return base::InvalidArgument("error parsing regexp: ", GoReason(regex.error_code()), ": `",
                               regex.error_arg(), "`");
}

}  // namespace varve::query
