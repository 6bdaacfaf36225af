#include "tsm/manifest.h"

#include <gtest/gtest.h>

#include <random>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/faulty_env.h"
#include "base/status.h"

namespace varve::tsm {
namespace {

std::shared_ptr<const std::vector<model::SeriesId>> Ids(std::vector<model::SeriesId> ids) {
  return std::make_shared<const std::vector<model::SeriesId>>(std::move(ids));
}

Manifest Example() {
  Manifest manifest;
  manifest.flushed_lsn = 123456789012;
  manifest.next_sequence = 17;
  manifest.files.push_back({{"00000012.tsm", 1000, 3, 500, {-5, 700}, 2, 900}, 0, 12});
  manifest.files.push_back(
      {{"00000013.tsm", 1, 1, 1, {model::kMinTimeNs, model::kMaxTimeNs}, 0, model::kNoId - 1},
       4,
       16});
  manifest.tombstones.push_back({3, {0, 99}, Ids({})});
  manifest.tombstones.push_back({14, {-7, 7}, Ids({0, 1, 2, 3, 9, 11, 12, 4000000000})});
  return manifest;
}

void ExpectSame(const Manifest& a, const Manifest& b) {
  EXPECT_EQ(a.flushed_lsn, b.flushed_lsn);
  EXPECT_EQ(a.next_sequence, b.next_sequence);
  ASSERT_EQ(a.files.size(), b.files.size());
  for (size_t i = 0; i < a.files.size(); ++i) {
    EXPECT_EQ(a.files[i].info, b.files[i].info);
    EXPECT_EQ(a.files[i].level, b.files[i].level);
    EXPECT_EQ(a.files[i].sequence, b.files[i].sequence);
  }
  ASSERT_EQ(a.tombstones.size(), b.tombstones.size());
  for (size_t i = 0; i < a.tombstones.size(); ++i) {
    EXPECT_EQ(a.tombstones[i].sequence, b.tombstones[i].sequence);
    EXPECT_EQ(a.tombstones[i].range, b.tombstones[i].range);
    EXPECT_EQ(*a.tombstones[i].series, *b.tombstones[i].series);
  }
}

TEST(ManifestTest, ComesBackAsItWas) {
  for (const Manifest& manifest : {Manifest(), Example()}) {
    auto decoded = Manifest::Decode(manifest.Encode());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ExpectSame(manifest, *decoded);
  }
}

TEST(ManifestTest, ADeletedMeasurementCostsFewBytes) {
  Manifest manifest;
  std::vector<model::SeriesId> ids;
  for (model::SeriesId id = 1000; id < 1'000'000; ++id) ids.push_back(id);
  manifest.tombstones.push_back({1, {0, 1}, Ids(std::move(ids))});
  EXPECT_LT(manifest.Encode().size(), 50u);
}

TEST(ManifestTest, RandomTombstonesComeBack) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Manifest manifest;
    std::vector<model::SeriesId> ids;
    uint64_t id = random() % 5;
    for (size_t n = random() % 300; n-- > 0 && id < model::kNoId;) {
      ids.push_back(static_cast<model::SeriesId>(id));
      id += 1 + (random() % 3 == 0 ? random() % (uint64_t{1} << random() % 32) : 0);
    }
    manifest.tombstones.push_back({random(), {static_cast<int64_t>(random()), 5}, Ids(ids)});
    auto decoded = Manifest::Decode(manifest.Encode());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ExpectSame(manifest, *decoded);
  }
}

TEST(ManifestTest, EveryFlippedBitAndTruncationIsFound) {
  const std::string bytes = Example().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Manifest::Decode(std::string_view(bytes).substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(Manifest::Decode(damaged).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

// Changes `at` and signs the bytes again.
std::string Signed(std::string bytes, size_t at, char value) {
  bytes[at] = value;
  bytes.resize(bytes.size() - 8);
  base::PutFixed(bytes, base::Checksum(bytes));
  return bytes;
}

TEST(ManifestTest, ANewerVersionOrFlagIsNotCalledDamage) {
  const std::string bytes = Example().Encode();
  for (const size_t at : {4, 6}) {
    EXPECT_EQ(Manifest::Decode(Signed(bytes, at, 2)).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(Manifest::Decode(Signed(bytes, 4, 0)).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ManifestTest, SignedNonsenseIsNeverABadRead) {
  const std::string bytes = Example().Encode();
  std::mt19937_64 random(1);
  for (size_t at = 8; at < bytes.size() - 8; ++at) {
    for (int i = 0; i < 8; ++i) {
      // The values that make lengths huge are left out: they are legal and take their memory.
      Manifest::Decode(Signed(bytes, at, static_cast<char>(random() % 128))).IgnoreError();
    }
  }
}

TEST(ManifestTest, ANewShardHasNone) {
  base::FaultyEnv env;
  ASSERT_TRUE(env.CreateDirs("/shard").ok());
  EXPECT_EQ(LoadManifest(env, "/shard").status().code(), absl::StatusCode::kNotFound);
}

TEST(ManifestTest, DamageNamesTheFile) {
  base::FaultyEnv env;
  ASSERT_TRUE(env.CreateDirs("/shard").ok());
  ASSERT_TRUE(SaveManifest(env, "/shard", Example()).ok());
  ASSERT_TRUE(env.FlipBits("/shard/MANIFEST", 20, 4).ok());
  const absl::Status status = LoadManifest(env, "/shard").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(base::MessageOf(status).find("/shard/MANIFEST"), std::string_view::npos) << status;
}

TEST(ManifestTest, APowerCutLeavesTheOldOrTheNew) {
  Manifest old_one;
  old_one.flushed_lsn = 1;
  for (const base::Remains remains : {base::Remains::kNothing, base::Remains::kRandom}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 50u);
      base::FaultyEnv env(n);
      ASSERT_TRUE(env.CreateDirs("/shard").ok());
      ASSERT_TRUE(env.SyncDir("/").ok());
      ASSERT_TRUE(SaveManifest(env, "/shard", old_one).ok());
      env.FailAfter(n, base::FaultKind::kCutPower);
      const absl::Status saved = SaveManifest(env, "/shard", Example());
      env.ClearFaults();
      env.CutPower(remains);
      env.Reboot();
      auto loaded = LoadManifest(env, "/shard");
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      if (saved.ok() || loaded->flushed_lsn != 1) {
        ExpectSame(*loaded, Example());
      } else {
        ExpectSame(*loaded, old_one);
      }
      if (saved.ok()) break;
    }
  }
}

}  // namespace
}  // namespace varve::tsm
