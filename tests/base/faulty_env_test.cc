#include "base/faulty_env.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/strings.h"

namespace varve::base {
namespace {

class FaultyEnvTest : public testing::Test {
 protected:
  FaultyEnvTest() {
    EXPECT_TRUE(env_.CreateDirs("/d").ok());
    EXPECT_TRUE(env_.SyncDir("/").ok());
  }
  std::unique_ptr<WritableFile> Write(const std::string& path, std::string_view bytes) {
    auto file = env_.CreateFile(path).value();
    EXPECT_TRUE(file->Append(bytes).ok());
    return file;
  }
  void PowerCycle(Remains remains = Remains::kNothing) {
    env_.CutPower(remains);
    env_.Reboot();
  }
  std::string Read(const std::string& path) {
    const auto bytes = ReadFile(env_, path);
    return bytes.ok() ? *bytes : "(none)";
  }

  FaultyEnv env_;
};

TEST_F(FaultyEnvTest, AFileNeedsItsBytesAndItsNameSynced) {
  auto both = Write("/d/both", "abc");
  auto bytes_only = Write("/d/bytes", "abc");
  ASSERT_TRUE(bytes_only->Sync().ok());
  PowerCycle();
  EXPECT_EQ(Read("/d/bytes"), "(none)");
  both = Write("/d/both", "abc");
  ASSERT_TRUE(both->Sync().ok());
  auto name_only = Write("/d/name", "abc");
  ASSERT_TRUE(env_.SyncDir("/d").ok());
  ASSERT_TRUE(both->Append("def").ok());
  PowerCycle();
  EXPECT_EQ(Read("/d/both"), "abc");
  EXPECT_EQ(Read("/d/name"), "");
}

TEST_F(FaultyEnvTest, RenamesAndRemovalsRevert) {
  ASSERT_TRUE(WriteFileAtomically(env_, "/d/a", "old").ok());
  ASSERT_TRUE(WriteFileAtomically(env_, "/d/gone", "here").ok());
  auto file = Write("/d/new", "new");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(env_.RenameFile("/d/new", "/d/a").ok());
  ASSERT_TRUE(env_.RemoveFile("/d/gone").ok());
  EXPECT_EQ(Read("/d/a"), "new");
  PowerCycle();
  EXPECT_EQ(Read("/d/a"), "old");
  EXPECT_EQ(Read("/d/gone"), "here");
}

TEST_F(FaultyEnvTest, NewFoldersVanishUnlessTheirParentWasSynced) {
  ASSERT_TRUE(env_.CreateDirs("/d/e").ok());
  ASSERT_TRUE(WriteFileAtomically(env_, "/d/e/f", "x").ok());
  PowerCycle();
  EXPECT_FALSE(env_.Exists("/d/e"));
  ASSERT_TRUE(env_.CreateDirs("/d/e").ok());
  ASSERT_TRUE(env_.SyncDir("/d").ok());
  ASSERT_TRUE(WriteFileAtomically(env_, "/d/e/f", "x").ok());
  ASSERT_TRUE(env_.RemoveTree("/d/e").ok());
  PowerCycle();
  EXPECT_EQ(Read("/d/e/f"), "x");
}

TEST_F(FaultyEnvTest, AFailedSyncLosesItsBytesForEver) {
  auto file = Write("/d/a", "abc");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(env_.SyncDir("/d").ok());
  ASSERT_TRUE(file->Append("def").ok());
  env_.FailAfter(1, FaultKind::kIoError);
  EXPECT_TRUE(absl::IsUnavailable(file->Sync()));
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(Read("/d/a"), "abcdef");
  PowerCycle();
  EXPECT_EQ(Read("/d/a"), "abc");
}

TEST_F(FaultyEnvTest, FailsTheCallItWasToldTo) {
  auto file = Write("/d/a", "");
  env_.FailAfter(2, FaultKind::kNoSpace);
  EXPECT_TRUE(file->Append("a").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(file->Append("b")));
  EXPECT_EQ(env_.last_fault(), "append /d/a");
  EXPECT_TRUE(file->Append("c").ok());
  EXPECT_EQ(Read("/d/a"), "ac");
  env_.FailFrom(1, FaultKind::kShortWrite);
  EXPECT_FALSE(file->Append("1234").ok());
  EXPECT_FALSE(file->Append("5678").ok());
  EXPECT_FALSE(env_.RemoveFile("/d/a").ok());
  env_.ClearFaults();
  EXPECT_EQ(Read("/d/a"), "ac1256");
}

TEST_F(FaultyEnvTest, APowerCutEndsFilesAndLocks) {
  auto file = Write("/d/a", "");
  auto lock = env_.LockFile("/d/lock").value();
  env_.CutPower();
  EXPECT_FALSE(file->Append("a").ok());
  EXPECT_FALSE(env_.CreateFile("/d/b").ok());
  EXPECT_FALSE(env_.List("/d").ok());
  env_.Reboot();
  EXPECT_FALSE(file->Append("a").ok());
  auto second = env_.LockFile("/d/lock");
  ASSERT_TRUE(second.ok());
  lock.reset();  // must not release the second
  EXPECT_FALSE(env_.LockFile("/d/lock").ok());
}

TEST_F(FaultyEnvTest, CountsChangingCalls) {
  const uint64_t before = env_.calls();
  ASSERT_TRUE(WriteFileAtomically(env_, "/d/a", "x").ok());
  EXPECT_EQ(env_.calls() - before, 5);  // create, append, sync, rename, sync of the folder
  (void)Read("/d/a");
  (void)env_.List("/d");
  EXPECT_EQ(env_.calls() - before, 5);
}

TEST_F(FaultyEnvTest, RandomRemainsKeepWhatWasSynced) {
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    FaultyEnv env(seed);
    ASSERT_TRUE(env.CreateDirs("/d").ok() && env.SyncDir("/").ok());
    auto file = env.CreateFile("/d/a").value();
    ASSERT_TRUE(file->Append("synced").ok() && file->Sync().ok() && env.SyncDir("/d").ok());
    ASSERT_TRUE(file->Append(std::string(1500, 'u')).ok());
    env.CutPower(Remains::kRandom);
    env.Reboot();
    const std::string bytes = ReadFile(env, "/d/a").value();
    ASSERT_TRUE(bytes.starts_with("synced"));
    ASSERT_LE(bytes.size(), 1506);
    seen.insert(bytes);
  }
  EXPECT_GT(seen.size(), 50);
}

// Whatever call fails or cuts the power, an atomic write leaves the old or the new content.
TEST_F(FaultyEnvTest, AtomicWritesAreAtomic) {
  for (const FaultKind kind :
       {FaultKind::kIoError, FaultKind::kNoSpace, FaultKind::kShortWrite, FaultKind::kCutPower}) {
    for (uint64_t n = 1; n <= 5; ++n) {
      for (uint64_t seed = 1; seed <= 10; ++seed) {
        FaultyEnv env(seed);
        ASSERT_TRUE(env.CreateDirs("/d").ok() && env.SyncDir("/").ok());
        ASSERT_TRUE(WriteFileAtomically(env, "/d/a", "old").ok());
        env.FailAfter(n, kind);
        EXPECT_FALSE(WriteFileAtomically(env, "/d/a", "new").ok());
        env.CutPower(Remains::kRandom);
        env.Reboot();
        const std::string bytes = ReadFile(env, "/d/a").value();
        EXPECT_TRUE(bytes == "old" || bytes == "new") << bytes;
        ASSERT_TRUE(WriteFileAtomically(env, "/d/a", "newer").ok());
      }
    }
  }
}

TEST_F(FaultyEnvTest, FlipsBits) {
  auto file = Write("/d/a", "abc");
  ASSERT_TRUE(env_.FlipBits("/d/a", 1, 0x20).ok());
  EXPECT_EQ(Read("/d/a"), "aBc");
}

TEST_F(FaultyEnvTest, TheClockStandsStillUntilMoved) {
  const int64_t now = env_.NowNs();
  const int64_t monotonic = env_.MonotonicNs();
  EXPECT_EQ(env_.NowNs(), now);
  env_.AdvanceNs(5);
  EXPECT_EQ(env_.NowNs(), now + 5);
  EXPECT_EQ(env_.MonotonicNs(), monotonic + 5);
  env_.SetNowNs(7);
  EXPECT_EQ(env_.NowNs(), 7);
  EXPECT_EQ(env_.MonotonicNs(), monotonic + 5);
}

}  // namespace
}  // namespace varve::base
