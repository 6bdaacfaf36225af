#include "meta/password.h"

#include <gtest/gtest.h>

#include "meta/password_cache.h"

namespace varve::meta {
namespace {

TEST(PasswordTest, MatchesOnlyItsPassword) {
  const std::string hash = HashPassword("secret");
  EXPECT_TRUE(PasswordMatches("secret", hash));
  EXPECT_FALSE(PasswordMatches("Secret", hash));
  EXPECT_FALSE(PasswordMatches("", hash));
  EXPECT_NE(hash, HashPassword("secret"));
}

TEST(PasswordTest, RefusesMalformedHashes) {
  const std::string hash = HashPassword("x");
  EXPECT_FALSE(PasswordMatches("x", ""));
  EXPECT_FALSE(PasswordMatches("x", hash.substr(0, hash.size() - 1)));
  EXPECT_FALSE(PasswordMatches("x", "scrypt$14$8$1$zz$zz"));
  EXPECT_FALSE(PasswordMatches("x", "plain"));
}

TEST(PasswordCacheTest, RemembersPerSlowHash) {
  PasswordCache cache;
  EXPECT_FALSE(cache.Contains("h1", "p"));
  cache.Add("h1", "p");
  EXPECT_TRUE(cache.Contains("h1", "p"));
  EXPECT_FALSE(cache.Contains("h1", "q"));
  EXPECT_FALSE(cache.Contains("h2", "p"));
}

}  // namespace
}  // namespace varve::meta
