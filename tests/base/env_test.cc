// What every Env promises, tried on the real one and on the faulty one.

#include "base/env.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "base/faulty_env.h"
#include "base/strings.h"

namespace varve::base {
namespace {

class EnvTest : public testing::TestWithParam<bool> {
 protected:
  EnvTest() {
    if (GetParam()) {
      char folder[] = "/tmp/varve_env_test_XXXXXX";
      folder_ = mkdtemp(folder);
      env_ = &Env::Default();
    } else {
      env_ = &faulty_;
      folder_ = "/tmp/x";
      EXPECT_TRUE(env_->CreateDirs(folder_).ok());
    }
  }
  ~EnvTest() override { EXPECT_TRUE(env_->RemoveTree(folder_).ok()); }

  std::string Path(std::string_view name) { return JoinPath(folder_, name); }
  void Write(const std::string& path, std::string_view bytes) {
    auto file = env_->CreateFile(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(bytes).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }

  FaultyEnv faulty_;
  Env* env_;
  std::string folder_;
};

INSTANTIATE_TEST_SUITE_P(All, EnvTest, testing::Bool(),
                         [](const auto& env) { return env.param ? "Posix" : "Faulty"; });

TEST_P(EnvTest, WritesAppendsAndReads) {
  Write(Path("a"), "hello");
  {
    auto file = env_->AppendFile(Path("a")).value();
    ASSERT_TRUE(file->Append(" world").ok());
    ASSERT_TRUE(file->Sync().ok());
  }
  EXPECT_EQ(ReadFile(*env_, Path("a")).value(), "hello world");
  EXPECT_EQ(env_->FileSize(Path("a")).value(), 11);
  const auto file = env_->OpenFile(Path("a")).value();
  std::string part(5, ' ');
  ASSERT_TRUE(file->Read(6, 5, part.data()).ok());
  EXPECT_EQ(part, "world");
  EXPECT_EQ(file->size(), 11);
  EXPECT_TRUE(absl::IsDataLoss(file->Read(7, 5, part.data())));
  EXPECT_EQ(env_->MapFile(Path("a")).value()->bytes(), "hello world");
  Write(Path("a"), "");
  EXPECT_EQ(env_->MapFile(Path("a")).value()->bytes(), "");
  EXPECT_TRUE(env_->AppendFile(Path("new")).ok());
  EXPECT_TRUE(env_->Exists(Path("new")));
}

TEST_P(EnvTest, MovesTruncatesAndRemoves) {
  Write(Path("a"), "old");
  Write(Path("b"), "newer");
  ASSERT_TRUE(env_->RenameFile(Path("b"), Path("a")).ok());
  EXPECT_FALSE(env_->Exists(Path("b")));
  ASSERT_TRUE(env_->TruncateFile(Path("a"), 3).ok());
  EXPECT_EQ(ReadFile(*env_, Path("a")).value(), "new");
  ASSERT_TRUE(env_->RemoveFile(Path("a")).ok());
  EXPECT_FALSE(env_->Exists(Path("a")));
}

TEST_P(EnvTest, ListsFoldersInOrder) {
  ASSERT_TRUE(env_->CreateDirs(Path("d/e/f")).ok());
  ASSERT_TRUE(env_->CreateDirs(Path("d/e/f")).ok());
  Write(Path("d/b"), "");
  Write(Path("d/a"), "");
  EXPECT_EQ(env_->List(Path("d")).value(), (std::vector<std::string>{"a", "b", "e"}));
  EXPECT_TRUE(env_->SyncDir(Path("d")).ok());
  ASSERT_TRUE(env_->RemoveTree(Path("d")).ok());
  EXPECT_TRUE(absl::IsNotFound(env_->List(Path("d")).status()));
  EXPECT_TRUE(env_->RemoveTree(Path("d")).ok());
}

TEST_P(EnvTest, NamesWhatIsMissing) {
  const std::string path = Path("none");
  for (const absl::Status& status :
       {env_->OpenFile(path).status(), env_->MapFile(path).status(), env_->RemoveFile(path),
        env_->RenameFile(path, Path("x")), env_->TruncateFile(path, 0),
        env_->FileSize(path).status(), env_->CreateFile(Path("none/x")).status(),
        env_->SyncDir(path), env_->FreeBytes(path).status()}) {
    EXPECT_TRUE(absl::IsNotFound(status)) << status;
    EXPECT_NE(status.ToString().find(path), std::string::npos) << status;
  }
  EXPECT_FALSE(env_->Exists(path));
}

TEST_P(EnvTest, LocksExcludeEachOtherInOneProcess) {
  auto lock = env_->LockFile(Path("lock"));
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_TRUE(absl::IsUnavailable(env_->LockFile(Path("lock")).status()));
  EXPECT_TRUE(env_->LockFile(Path("other")).ok());
  lock->reset();
  EXPECT_TRUE(env_->LockFile(Path("lock")).ok());
}

TEST_P(EnvTest, ClosedFilesRefuse) {
  auto file = env_->CreateFile(Path("a")).value();
  ASSERT_TRUE(file->Close().ok());
  EXPECT_FALSE(file->Append("x").ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(file->Close().ok());
}

TEST_P(EnvTest, ReplacesFilesWhole) {
  for (const std::string_view text : {"first", "second and longer", ""}) {
    ASSERT_TRUE(WriteFileAtomically(*env_, Path("a"), text).ok());
    EXPECT_EQ(ReadFile(*env_, Path("a")).value(), text);
    EXPECT_EQ(env_->List(folder_).value(), std::vector<std::string>{"a"});
  }
}

TEST_P(EnvTest, KnowsSpaceAndTime) {
  EXPECT_GT(env_->FreeBytes(folder_).value(), 0);
  EXPECT_GT(env_->NowNs(), 1'500'000'000'000'000'000);
  EXPECT_GE(env_->MonotonicNs(), 0);
}

TEST(JoinPathTest, PutsOneSlashBetween) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "/b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

}  // namespace
}  // namespace varve::base
