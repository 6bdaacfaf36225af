#include "index/predicate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "base/status.h"

namespace varve::index {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const TagRegex> Regex(std::string_view pattern) {
  auto regex = TagRegex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << pattern;
  return *regex;
}

TEST(TagRegexTest, SearchesWithoutAnchors) {
  EXPECT_TRUE(Regex("b+")->Matches("abbc"));
  EXPECT_FALSE(Regex("^b+$")->Matches("abbc"));
  EXPECT_TRUE(Regex("")->Matches(""));
  EXPECT_TRUE(Regex("^$")->Matches(""));
  EXPECT_FALSE(Regex(".")->Matches(""));
}

// Recorded from InfluxDB.
TEST(TagRegexTest, RefusesWithGosWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"a(", "missing closing ): `a(`"},
      {"a)", "unexpected ): `a)`"},
      {"a[", "missing closing ]: `[`"},
      {"(?=x)", "invalid or unsupported Perl syntax: `(?=`"},
      {"*", "missing argument to repetition operator: `*`"},
      {"a**", "invalid nested repetition operator: `**`"},
      {"a++", "invalid nested repetition operator: `++`"},
      {"a{2,1}", "invalid repeat count: `{2,1}`"},
      {"a{1001}", "invalid repeat count: `{1001}`"},
      {"\\8", "invalid escape sequence: `\\8`"},
      {"[b-a]", "invalid character class range: `b-a`"},
      {"(?P<n>", "missing closing ): `(?P<n>`"},
      {"(?i", "invalid or unsupported Perl syntax: `(?i`"},
      {"(?z)", "invalid or unsupported Perl syntax: `(?z`"},
      {"[[:foo:]]", "invalid character class range: `[:foo:]`"},
      {"\\pX", "invalid character class range: `\\pX`"},
  };
  for (const auto& [pattern, reason] : cases) {
    const absl::Status status = TagRegex::Compile(pattern).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::MessageOf(status), base::StrCat("error parsing regexp: ", reason)) << pattern;
  }
}

TEST(TagRegexTest, KnowsChoicesOfWholeValues) {
  EXPECT_THAT(*Regex("^(a|b\\.c|)$")->alternatives(), ElementsAre("a", "b.c", ""));
  EXPECT_THAT(*Regex("^(?:x-1|y_2)$")->alternatives(), ElementsAre("x-1", "y_2"));
  EXPECT_THAT(*Regex("^one two$")->alternatives(), ElementsAre("one two"));
  for (const char* pattern : {"a", "^a", "^a|b$", "^(a|b.)$", "^(a)(b)$", "^\\d$", "^(a$",
                              "^((a))$", "^(?i)a$", "^(?i:a)$", "^\xc3\xa4$"}) {
    auto regex = TagRegex::Compile(pattern);
    if (!regex.ok()) continue;
    EXPECT_EQ((*regex)->alternatives(), nullptr) << pattern;
  }
}

}  // namespace
}  // namespace varve::index
