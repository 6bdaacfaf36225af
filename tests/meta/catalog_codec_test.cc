#include "meta/catalog_codec.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/checksum.h"
#include "base/coding.h"

namespace varve::meta {
namespace {

CatalogData Sample() {
  CatalogData data;
  data.version = 7;
  data.next_database = 2;
  data.next_shard_group = 4;
  data.next_shard = 5;
  Database& database = data.databases.emplace_back();
  database.id = 1;
  database.name = "building";
  database.default_policy = "realtime";
  RetentionPolicy& policy = database.policies.emplace_back();
  policy.name = "realtime";
  policy.duration_ns = 30 * int64_t{86'400'000'000'000};
  policy.shard_group_duration_ns = int64_t{86'400'000'000'000};
  policy.past_write_limit_ns = 5;
  policy.shard_groups.push_back({3, 4, {-10, 20}});
  database.continuous_queries.push_back({"cq", "CREATE CONTINUOUS QUERY cq ..."});
  database.subscriptions.push_back({"realtime", "s", "ALL", {"udp://h:1", "http://h:2"}});
  data.users.push_back({"ann", "hash", true, {{"building", Privilege::kWrite}}});
  return data;
}

TEST(CatalogCodecTest, RoundTrips) {
  const std::string bytes = EncodeCatalog(Sample());
  const auto data = DecodeCatalog(bytes);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(EncodeCatalog(*data), bytes);
  EXPECT_EQ(data->FindDatabase("building")->FindPolicy("realtime")->past_write_limit_ns, 5);
  EXPECT_EQ(data->FindUser("ann")->privileges.at("building"), Privilege::kWrite);
}

// Catalogs of version 1 must stay readable: the bytes are frozen here.
TEST(CatalogCodecTest, BytesOfVersionOne) {
  const std::string path = VARVE_SOURCE_DIR "/tests/golden/catalog_v1";
  const std::string bytes = EncodeCatalog(Sample());
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes, golden);
  ASSERT_TRUE(DecodeCatalog(golden).ok());
}

CatalogData SampleWithMeasurements() {
  CatalogData data = Sample();
  RetentionPolicy& policy = data.databases[0].policies[0];
  policy.measurements = {{"debug", int64_t{3'600'000'000'000}},
                         {"trace", int64_t{86'400'000'000'000}}};
  return data;
}

TEST(CatalogCodecTest, BytesOfVersionTwo) {
  const std::string path = VARVE_SOURCE_DIR "/tests/golden/catalog_v2";
  const std::string bytes = EncodeCatalog(SampleWithMeasurements());
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes, golden);
  const auto data = DecodeCatalog(golden);
  ASSERT_TRUE(data.ok()) << data.status();
  const auto& measurements = data->databases[0].policies[0].measurements;
  ASSERT_EQ(measurements.size(), 2u);
  EXPECT_EQ(measurements[1].measurement, "trace");
  EXPECT_EQ(measurements[1].duration_ns, 86'400'000'000'000);
}

TEST(CatalogCodecTest, EveryTruncationAndFlipIsRefused) {
  const std::string bytes = EncodeCatalog(SampleWithMeasurements());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeCatalog(bytes.substr(0, n)).ok()) << n;
    std::string flipped = bytes;
    flipped[n] = static_cast<char>(flipped[n] ^ 0x41);
    EXPECT_FALSE(DecodeCatalog(flipped).ok()) << n;
  }
}

TEST(CatalogCodecTest, MalformedBodiesUnderARightChecksumAreRefused) {
  const std::string bytes = EncodeCatalog(Sample());
  for (size_t n = 16; n < bytes.size(); ++n) {
    std::string body = bytes.substr(16, n - 16);
    std::string cut = bytes.substr(0, 8);
    base::PutFixed<uint64_t>(cut, base::Checksum(body));
    EXPECT_FALSE(DecodeCatalog(cut + body).ok()) << n;
  }
}

TEST(CatalogCodecTest, NewerVersionsAreNamed) {
  std::string bytes = EncodeCatalog(Sample());
  bytes[4] = 3;
  EXPECT_EQ(DecodeCatalog(bytes).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace varve::meta
