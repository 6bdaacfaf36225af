#include "index/predicate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(TagRegexTest, RefusesWhatRe2Refuses) {
  const auto regex = TagRegex::Compile("a(");
  ASSERT_EQ(regex.status().code(), absl::StatusCode::kInvalidArgument);
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
