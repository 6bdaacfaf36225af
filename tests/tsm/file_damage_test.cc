// Damage of a file is reported as such, and a value that is not what was written is never given.
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/faulty_env.h"
#include "base/status.h"
#include "tests/tsm/tsm_testing.h"
#include "tsm/file.h"

namespace varve::tsm {
namespace {

using model::FieldValue;
using testing::Data;
using testing::Types;
using testing::Value;

constexpr char kFolder[] = "/shard";
constexpr char kPath[] = "/shard/a.tsm";

// A small file with everything in it: tiny chunks, chunks with one checksum and with one per block,
// every type, nulls, times that are regular and that are not, several pages.
Data SmallData() {
  std::mt19937_64 random(5);
  Data data;
  Types types;
  for (size_t field = 0; field < 5; ++field) {
    types[static_cast<model::FieldId>(field * 3)] = static_cast<model::FieldType>(field + 1);
  }
  for (model::SeriesId series = 0; series < 12; ++series) {
    data[series] = testing::RandomRows(random, series % 2 == 0 ? 3 : 60, &types, 5, 0);
  }
  data[20] = testing::RandomRows(random, 900, &types, 3, 0);
  Types floats;
  for (model::SeriesId series = 100; series < 1500; ++series) {
    data[series][static_cast<int64_t>(series) * 1000] = {
        {99, Value::Of(FieldValue::Float(series))}};
  }
  return testing::Compact(std::move(data));
}

class FileDamageTest : public ::testing::Test {
 protected:
  FileDamageTest() {
    EXPECT_TRUE(env_.CreateDirs(kFolder).ok());
    data_ = SmallData();
    auto info = testing::WriteData(env_, kFolder, "a.tsm", data_);
    EXPECT_TRUE(info.ok()) << info.status();
    info_ = *info;
    bytes_ = *base::ReadFile(env_, kPath);
  }

  void Replace(std::string_view bytes) {
    auto file = env_.CreateFile(kPath);
    ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
  }

  // Reads all there is: the error, or OK when what was read is what was written.
  absl::Status ReadAll(const FileInfo& info) {
    ASSIGN_OR_RETURN(const auto file, FileReader::Open(env_, kFolder, info));
    const absl::Status verified = file->Verify();
    absl::StatusOr<Data> read = testing::ReadData(*file);
    if (!read.ok()) {
      EXPECT_FALSE(verified.ok()) << "verified, yet " << read.status();
      return read.status();
    }
    EXPECT_TRUE(testing::Compact(*read) == data_) << "wrong values were read";
    EXPECT_FALSE(verified.ok()) << "bytes were changed and Verify() did not see it";
    return verified;
  }

  // Writes a file with the n-th call failing, cuts the power, and checks what is left. True when
  // the file was written before the n-th call came.
  bool WriteWithFault(const Data& data, uint64_t n, base::FaultKind kind, base::Remains remains) {
    SCOPED_TRACE(n);
    base::FaultyEnv env(n);
    EXPECT_TRUE(env.CreateDirs(kFolder).ok());
    EXPECT_TRUE(env.SyncDir("/").ok());
    env.FailAfter(n, kind);
    const auto info = testing::WriteData(env, kFolder, "a.tsm", data);
    if (!info.ok()) {
      EXPECT_FALSE(env.Exists("/shard/a.tsm.tmp"));
    }
    env.ClearFaults();
    env.CutPower(remains);
    env.Reboot();
    if (!env.Exists(kPath)) {
      EXPECT_FALSE(info.ok()) << "a finished file was lost";
      return false;
    }
    // Named, so whole: the error may have been that of the folder's sync.
    FileInfo name_only;
    name_only.name = "a.tsm";
    auto file = FileReader::Open(env, kFolder, name_only);
    EXPECT_TRUE(file.ok()) << file.status();
    if (file.ok()) {
      EXPECT_TRUE((*file)->Verify().ok());
      EXPECT_TRUE(testing::Compact(*testing::ReadData(**file)) == data);
    }
    return info.ok();
  }

  base::FaultyEnv env_;
  Data data_;
  FileInfo info_;
  std::string bytes_;
};

TEST_F(FileDamageTest, EveryFlippedByteIsFound) {
  auto intact = FileReader::Open(env_, kFolder, info_);
  ASSERT_TRUE(intact.ok() && (*intact)->Verify().ok());
  std::mt19937_64 random(1);
  const size_t head = 400;  // every byte at both ends, a sample between
  for (size_t at = 0; at < bytes_.size();) {
    std::string damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1u << random() % 8));
    Replace(damaged);
    EXPECT_EQ(ReadAll(info_).code(), absl::StatusCode::kDataLoss) << "offset=" << at;
    at += at < head || at + head > bytes_.size() ? 1 : 1 + random() % 150;
  }
}

TEST_F(FileDamageTest, EveryTruncationIsFound) {
  FileInfo name_only;
  name_only.name = info_.name;
  std::mt19937_64 random(2);
  for (size_t size = 0; size < bytes_.size(); size += 1 + random() % 150) {
    Replace(std::string_view(bytes_).substr(0, size));
    EXPECT_EQ(ReadAll(info_).code(), absl::StatusCode::kDataLoss) << "size=" << size;
    EXPECT_EQ(ReadAll(name_only).code(), absl::StatusCode::kDataLoss) << "size=" << size;
  }
}

TEST_F(FileDamageTest, TheRestStaysReadable) {
  std::string damaged = bytes_;
  damaged[20] = static_cast<char>(~damaged[20]);  // in the data of an early series
  Replace(damaged);
  auto file = FileReader::Open(env_, kFolder, info_);
  ASSERT_TRUE(file.ok());
  auto cursor = (*file)->NewCursor();
  ASSERT_TRUE(*cursor->Seek(20));
  testing::Rows rows;
  ASSERT_TRUE(testing::ReadRows(*cursor, &rows).ok());
  const absl::Status verified = (*file)->Verify();
  EXPECT_EQ(verified.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(base::MessageOf(verified).find("offset=16"), std::string_view::npos) << verified;
  EXPECT_NE(base::MessageOf(verified).find(kPath), std::string_view::npos) << verified;
}

TEST_F(FileDamageTest, ANewerVersionIsNotCalledDamage) {
  std::string newer = bytes_;
  newer[4] = 2;
  const uint64_t checksum = base::Checksum(std::string_view(newer).substr(0, 8));
  std::memcpy(newer.data() + 8, &checksum, sizeof(checksum));
  Replace(newer);
  EXPECT_EQ(FileReader::Open(env_, kFolder, info_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileDamageTest, APowerCutLeavesAWholeFileOrNone) {
  Data small = data_;
  small.erase(small.upper_bound(20), small.end());
  for (const base::FaultKind kind : {base::FaultKind::kIoError, base::FaultKind::kCutPower}) {
    for (const base::Remains remains : {base::Remains::kNothing, base::Remains::kRandom}) {
      for (uint64_t n = 1; !WriteWithFault(small, n, kind, remains); ++n) ASSERT_LT(n, 50u);
    }
  }
}

}  // namespace
}  // namespace varve::tsm
