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

// Signed with "secret" at the time 1000; a comment says the algorithm and the claims.
TEST(TokenTest, ClaimsAndAlgorithms) {
  const struct {
    const char* token;
    const char* user;   // or null
    const char* error;  // or null
  } rows[] = {
      // HS384, {"username":"ada","exp":2000}
      {"eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMH0."
       "p4W15BoND6f0rbzwbnsffPQIkg0C0fsImmCiQJHsb8c28VlEHDZaIZkHQB1QfS7c",
       "ada", nullptr},
      // HS512, {"username":"ada","exp":2000}
      {"eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMH0."
       "yrpivMIpIYE0JHrl3deY4y46ig3DM-5RewcJfSyn_5g3uK3dLJWzEPFKxSaDCEbHKAI1J8-bF61UJ2Nt764pfw",
       "ada", nullptr},
      // HS256, {"username":7,"exp":2000}
      {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6NywiZXhwIjoyMDAwfQ."
       "5Qd4GKkmK4QBQFSXfEGlz_tPTtbl3s5iGe00Jv5tn54",
       nullptr, "username in token must be a string"},
      // HS256, {"exp":2000}
      {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjIwMDB9."
       "C9ScozzNBtP8ZYA6zbYSXCi11u2aIKVg91jaiDKRTRY",
       nullptr, "username in token must be a string"},
      // HS256, {"username":"","exp":2000}
      {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6IiIsImV4cCI6MjAwMH0."
       "4CCkaQu5ujHthpnL8A80D-E0tS6vDBZG_7RruDHG6dg",
       nullptr, "token must contain a username"},
      // HS256, {"username":"ada","exp":2000,"nbf":1500}
      {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
       "eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMCwibmJmIjoxNTAwfQ."
       "bQCaytjleciVWjzZrSLXO6pjIyB0u1A0ziBegp5gzkU",
       nullptr, "Token is not valid yet"},
      // none, {"username":"ada","exp":2000}
      {"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMH0."
       "gEWAnimlqBy9MBHlToRjBDw2jRYpIn5rEPqfIaL4fp0",
       nullptr, "unexpected signing method: none"},
      // RS256, {"username":"ada","exp":2000}
      {"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFkYSIsImV4cCI6MjAwMH0."
       "2d3xJJGf1KrZJLgRagLywHjDMKT3beRLApY362URmJs",
       nullptr, "unexpected signing method: RS256"},
  };
  for (const auto& row : rows) {
    const auto user = CheckToken(row.token, "secret", 1000);
    if (row.user != nullptr) {
      ASSERT_TRUE(user.ok()) << user.status();
      EXPECT_EQ(*user, row.user);
    } else {
      EXPECT_EQ(base::MessageOf(user.status()), row.error);
    }
  }
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
