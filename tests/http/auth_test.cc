#include "http/auth.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace varve::http {
namespace {

// {"alg":"HS256","typ":"JWT"}; the tokens below are signed with "secret".
constexpr char kHead[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

TEST(TokenTest, RefusesWhatIsMalformed) {
  const auto message = [](std::string_view token) {
    return std::string(base::MessageOf(CheckToken(token, "secret", 0).status()));
  };
  EXPECT_EQ(message("x"), "token contains an invalid number of segments");
  EXPECT_EQ(message("a.b.c.d"), "token contains an invalid number of segments");
  EXPECT_EQ(message("!.b.c"), "illegal base64 data in token");
  EXPECT_EQ(message(std::string(kHead) + ".e30.AAAA"), "signature is invalid");
}

TEST(TokenTest, AcceptsASignedTokenUntilItExpires) {
  // {"username":"ada","exp":2000}
  const std::string token =
      std::string(kHead) +
      ".eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMH0.BF7igSJFJfvvu5NV9sYQjZg_m5rZsB9lF8DakRPXcq0";
  const auto user = CheckToken(token, "secret", 1999);
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(*user, "ada");
  EXPECT_EQ(base::MessageOf(CheckToken(token, "secret", 2001).status()), "Token is expired");
  EXPECT_EQ(base::MessageOf(CheckToken(token, "other", 1999).status()), "signature is invalid");
}

TEST(TokenTest, NeedsAnExpiry) {
  // {"username":"ada"}
  const std::string token =
      std::string(kHead) + ".eyJ1c2VybmFtZSI6ImFkYSJ9.sf62IMBtvGgfgr5mNDcjDEUWbXejG6kN6t27shvvYy4";
  EXPECT_EQ(base::MessageOf(CheckToken(token, "secret", 0).status()), "token expiration required");
}

TEST(Base64Test, DecodesBothAlphabets) {
  std::string out;
  EXPECT_TRUE(DecodeBase64("bm9ib2R5Ong=", false, &out));
  EXPECT_EQ(out, "nobody:x");
  EXPECT_TRUE(DecodeBase64("-_8", true, &out));
  EXPECT_EQ(out, "\xfb\xff");
  EXPECT_FALSE(DecodeBase64("-_8", false, &out));
  EXPECT_FALSE(DecodeBase64("a", false, &out));
}

}  // namespace
}  // namespace varve::http
