#include "meta/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/status.h"

namespace varve::meta {
namespace {

constexpr int64_t kHour = 3600 * int64_t{1'000'000'000};
constexpr int64_t kMarch2021 = 1614816000 * int64_t{1'000'000'000};

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "catalog_test_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    Reopen();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Reopen() {
    catalog_.reset();
    auto opened = Catalog::Open(base::Env::Default(), folder_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    catalog_ = *std::move(opened);
  }
  const Database& Find(std::string_view name) {
    data_ = catalog_->Get();
    return *data_->FindDatabase(name);
  }

  std::string folder_;
  std::unique_ptr<Catalog> catalog_;
  std::shared_ptr<const CatalogData> data_;
};

#define EXPECT_OK(expression) EXPECT_EQ((expression), absl::OkStatus())

TEST_F(CatalogTest, ChangesSurviveReopening) {
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  EXPECT_OK(catalog_->CreateRetentionPolicy("db", {.name = "p", .duration_ns = kHour}, true));
  EXPECT_OK(catalog_->CreateContinuousQuery("db", "cq", "text"));
  EXPECT_OK(catalog_->CreateUser("ann", "secret", true));
  EXPECT_OK(catalog_->SetPrivilege("ann", "db", Privilege::kRead));
  Reopen();
  EXPECT_EQ(Find("db").default_policy, "p");
  EXPECT_EQ(Find("db").policies.size(), 2u);
  EXPECT_EQ(Find("db").continuous_queries[0].query, "text");
  EXPECT_TRUE(catalog_->CheckPassword("ann", "secret"));
  EXPECT_FALSE(catalog_->CheckPassword("ann", "wrong"));
  EXPECT_EQ(catalog_->Get()->FindUser("ann")->privileges.at("db"), Privilege::kRead);
}

TEST_F(CatalogTest, ARecreatedDatabaseHasANewId) {
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  const model::DatabaseId first = Find("db").id;
  EXPECT_EQ(catalog_->DropDatabase("db")->value(), first);
  EXPECT_FALSE(catalog_->DropDatabase("db")->has_value());
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  EXPECT_NE(Find("db").id, first);
}

TEST_F(CatalogTest, AnExistingDatabaseMustHaveTheSamePolicy) {
  const PolicySpec three_hours{.name = "keep", .duration_ns = 3 * kHour};
  EXPECT_OK(catalog_->CreateDatabase("db", three_hours));
  EXPECT_OK(catalog_->CreateDatabase("db", three_hours));
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  EXPECT_EQ(base::MessageOf(catalog_->CreateDatabase("db", PolicySpec{.duration_ns = 4 * kHour})),
            "retention policy conflicts with an existing policy");
  EXPECT_EQ(Find("db").policies.size(), 1u);
}

TEST_F(CatalogTest, RoutesPointsToOneShardPerGroup) {
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  const auto target = catalog_->FindTarget("db", "");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->policy_name, "autogen");
  const auto first = catalog_->RouteShard(*target, kMarch2021);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->range.Contains(kMarch2021));
  EXPECT_EQ(catalog_->RouteShard(*target, first->range.max_ns)->shard, first->shard);
  const auto next = catalog_->RouteShard(*target, first->range.max_ns + 1);
  EXPECT_NE(next->shard, first->shard);
  Reopen();
  EXPECT_EQ(catalog_->RouteShard(*target, kMarch2021)->shard, first->shard);
  EXPECT_EQ(Find("db").policies[0].shard_groups.size(), 2u);
}

TEST_F(CatalogTest, UnknownTargetsHaveInfluxWords) {
  EXPECT_EQ(base::MessageOf(catalog_->FindTarget("x", "").status()), "database not found: \"x\"");
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  EXPECT_EQ(base::MessageOf(catalog_->FindTarget("db", "p").status()),
            "retention policy not found: p");
  EXPECT_TRUE(catalog_->DropRetentionPolicy("db", "autogen").ok());
  EXPECT_EQ(base::MessageOf(catalog_->FindTarget("db", "").status()),
            "retention policy not found: autogen");
}

TEST_F(CatalogTest, DroppedShardsAreNamed) {
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  const auto target = *catalog_->FindTarget("db", "");
  const auto route = *catalog_->RouteShard(target, kMarch2021);
  const auto dropped = catalog_->DropShards({route.shard, 999});
  ASSERT_TRUE(dropped.ok());
  ASSERT_EQ(dropped->size(), 1u);
  EXPECT_EQ((*dropped)[0].shard, route.shard);
  EXPECT_NE(catalog_->RouteShard(target, kMarch2021)->shard, route.shard);
}

TEST_F(CatalogTest, RulesOfUsers) {
  EXPECT_OK(catalog_->CreateUser("ann", "a", false));
  EXPECT_OK(catalog_->CreateUser("ann", "a", false));
  EXPECT_EQ(base::MessageOf(catalog_->CreateUser("ann", "b", false)), "user already exists");
  EXPECT_EQ(base::MessageOf(catalog_->CreateUser("", "b", false)), "username required");
  EXPECT_OK(catalog_->SetPassword("ann", "b"));
  EXPECT_TRUE(catalog_->CheckPassword("ann", "b"));
  EXPECT_FALSE(catalog_->CheckPassword("ann", "a"));
  EXPECT_EQ(base::MessageOf(catalog_->SetPrivilege("ann", "db", Privilege::kRead)),
            "database not found: db");
  EXPECT_OK(catalog_->DropUser("ann"));
  EXPECT_EQ(base::MessageOf(catalog_->DropUser("ann")), "user not found");
}

TEST_F(CatalogTest, RulesOfSubscriptions) {
  EXPECT_OK(catalog_->CreateDatabase("db", std::nullopt));
  const Subscription good{"autogen", "s", "ALL", {"udp://h:9"}};
  EXPECT_OK(catalog_->CreateSubscription("db", good));
  EXPECT_EQ(base::MessageOf(catalog_->CreateSubscription("db", good)),
            "subscription already exists");
  for (const char* url : {"foo", "http://h", "ftp://h:1"}) {
    EXPECT_EQ(base::MessageOf(catalog_->CreateSubscription("db", {"autogen", "t", "ALL", {url}})),
              base::StrCat("invalid subscription URL: ", url));
  }
  EXPECT_OK(catalog_->DropSubscription("db", "autogen", "s"));
  EXPECT_EQ(base::MessageOf(catalog_->DropSubscription("db", "autogen", "s")),
            "subscription not found");
}

TEST_F(CatalogTest, DamageIsNamed) {
  const std::string path = base::JoinPath(folder_, "CATALOG");
  std::string bytes = *base::ReadFile(base::Env::Default(), path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_TRUE(base::WriteFileAtomically(base::Env::Default(), path, bytes).ok());
  const auto opened = Catalog::Open(base::Env::Default(), folder_);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(base::MessageOf(opened.status()).find(path), std::string_view::npos);
}

}  // namespace
}  // namespace varve::meta
