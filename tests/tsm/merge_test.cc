#include "tsm/merge.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/faulty_env.h"
#include "base/status.h"
#include "tests/tsm/tsm_testing.h"

namespace varve::tsm {
namespace {

using model::FieldId;
using model::FieldValue;
using model::SeriesId;
using testing::Data;
using testing::Row;
using testing::Rows;
using testing::Types;
using testing::Value;

constexpr char kFolder[] = "/shard";

Value F(double v) { return Value::Of(FieldValue::Float(v)); }
Value I(int64_t v) { return Value::Of(FieldValue::Integer(v)); }

// Rows at from, from + step, ... of one field.
Rows Regular(int64_t from, size_t count, double value, int64_t step = 10, FieldId field = 1) {
  Rows rows;
  for (size_t i = 0; i < count; ++i) {
    rows[from + static_cast<int64_t>(i) * step] = {{field, F(value + static_cast<double>(i))}};
  }
  return rows;
}

class MergeTest : public ::testing::Test {
 protected:
  MergeTest() {
    EXPECT_TRUE(env_.CreateDirs(kFolder).ok());
    options_.next_name = [this] { return "out" + std::to_string(++outputs_) + ".tsm"; };
  }

  void AddInput(const Data& data, uint64_t sequence, WriterOptions options = {},
                size_t piece = 1000) {
    const std::string name = "in" + std::to_string(inputs_.size()) + ".tsm";
    auto info = testing::WriteData(env_, kFolder, name, data, options, piece);
    ASSERT_TRUE(info.ok()) << info.status();
    auto file = FileReader::Open(env_, kFolder, *info);
    ASSERT_TRUE(file.ok()) << file.status();
    inputs_.push_back({*file, sequence});
  }

  void AddTombstone(uint64_t sequence, int64_t min_ns, int64_t max_ns,
                    std::vector<SeriesId> series) {
    tombstones_.push_back({sequence,
                           {min_ns, max_ns},
                           std::make_shared<const std::vector<SeriesId>>(std::move(series))});
  }

  absl::StatusOr<std::vector<FileInfo>> Merge() {
    return MergeFiles(env_, kFolder, inputs_, tombstones_, options_);
  }

  // Everything in the files, which are checked.
  Data Read(const std::vector<FileInfo>& files) {
    Data all;
    for (const FileInfo& info : files) {
      auto file = FileReader::Open(env_, kFolder, info);
      EXPECT_TRUE(file.ok()) << file.status();
      const absl::Status verified = (*file)->Verify();
      EXPECT_TRUE(verified.ok()) << verified;
      auto data = testing::ReadData(**file);
      EXPECT_TRUE(data.ok()) << data.status();
      if (!all.empty() && !data->empty()) {
        EXPECT_LT(all.rbegin()->first, data->begin()->first);
      }
      all.merge(*data);
    }
    return all;
  }

  std::vector<std::string> Names() { return env_.List(kFolder).value(); }

  std::vector<ChunkMeta> Chunks(const FileInfo& info, SeriesId series) {
    auto file = FileReader::Open(env_, kFolder, info);
    auto cursor = (*file)->NewCursor();
    EXPECT_TRUE(*cursor->Seek(series));
    return {cursor->chunks().begin(), cursor->chunks().end()};
  }

  base::FaultyEnv env_;
  std::vector<MergeInput> inputs_;
  std::vector<Tombstone> tombstones_;
  MergeOptions options_;
  int outputs_ = 0;
};

TEST_F(MergeTest, TheNewerValueWinsFieldByField) {
  AddInput({{1, {{10, {{1, F(1)}, {2, F(1)}}}, {20, {{1, F(1)}}}}}}, 1);
  AddInput({{1, {{10, {{2, F(2)}, {3, F(2)}}}, {30, {{2, F(2)}}}}}, {2, {{5, {{9, F(2)}}}}}}, 2);
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(
      Read(*files),
      Data({{1, {{10, {{1, F(1)}, {2, F(2)}, {3, F(2)}}}, {20, {{1, F(1)}}}, {30, {{2, F(2)}}}}},
            {2, {{5, {{9, F(2)}}}}}}));
}

TEST_F(MergeTest, SmallChunksAreJoinedIntoFullOnes) {
  Data want;
  for (int i = 0; i < 8; ++i) {
    const Rows rows = Regular(i * 3600, 360, i * 100);
    AddInput({{1, rows}}, static_cast<uint64_t>(i + 1));
    want[1].insert(rows.begin(), rows.end());
  }
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(Read(*files), want);
  const auto chunks = Chunks(files->at(0), 1);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].rows, 1024u);
  EXPECT_EQ(chunks[1].rows, 1024u);
}

TEST_F(MergeTest, FullChunksAreCopied) {
  AddInput({{1, Regular(0, 2048, 1)}}, 1);
  AddInput({{1, Regular(20480, 2000, 5)}}, 2);
  uint64_t bytes = 0;
  options_.throttle = [&](uint64_t n) { bytes += n; };
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto chunks = Chunks(files->at(0), 1);
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[3].rows, 976u);
  EXPECT_GE(bytes, files->at(0).bytes);
  Data want = {{1, Regular(0, 2048, 1)}};
  want[1].merge(Regular(20480, 2000, 5));
  EXPECT_EQ(Read(*files), want);
}

TEST_F(MergeTest, ColdFilesGetLargeChunks) {
  options_.writer.cold = true;
  AddInput({{1, Regular(0, 9000, 1)}}, 1);
  AddInput({{1, Regular(90000, 9000, 5)}}, 2);
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto chunks = Chunks(files->at(0), 1);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].rows, 8192u);
  EXPECT_EQ(Read(*files).at(1).size(), 18000u);
}

TEST_F(MergeTest, TombstonesDeleteOnlyWhatIsOlder) {
  AddInput({{1, Regular(0, 3000, 1)}, {2, Regular(0, 5, 1)}}, 1);
  AddInput({{1, {{50, {{1, F(-1)}}}, {29000, {{1, F(-2)}}}}}}, 3);
  AddTombstone(2, 40, 29985, {1});
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(Read(*files), Data({{1,
                                 {{0, {{1, F(1)}}},
                                  {10, {{1, F(2)}}},
                                  {20, {{1, F(3)}}},
                                  {30, {{1, F(4)}}},
                                  {50, {{1, F(-1)}}},
                                  {29000, {{1, F(-2)}}},
                                  {29990, {{1, F(3000)}}}}},
                                {2, Regular(0, 5, 1)}}));
}

TEST_F(MergeTest, NothingRemainsWhenAllIsDeleted) {
  AddInput({{1, Regular(0, 3000, 1)}, {2, Regular(0, 5, 1)}}, 1);
  AddTombstone(1, 0, 100000, {1, 2});
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_TRUE(files->empty());
  EXPECT_EQ(Names(), std::vector<std::string>({"in0.tsm"}));
}

TEST_F(MergeTest, AFieldOfTwoTypesIsCutIntoChunks) {
  AddInput({{1, Regular(0, 100, 1)}}, 1);
  Rows integers;
  for (int64_t t = 500; t < 1500; t += 10) integers[t] = {{1, I(t)}};
  AddInput({{1, integers}}, 2);
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  Data want = {{1, integers}};
  want[1].merge(Regular(0, 100, 1));
  EXPECT_EQ(Read(*files), want);
}

TEST_F(MergeTest, AFurtherFileIsBegunBehindTheLimit) {
  Data data;
  std::mt19937_64 random(1);
  for (SeriesId series = 0; series < 20; ++series) {
    for (int64_t t = 0; t < 10000; ++t) data[series][t] = {{1, I(static_cast<int64_t>(random()))}};
  }
  AddInput(data, 1);
  options_.file_bytes_max = 1 << 19;
  auto files = Merge();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_GE(files->size(), 3u);
  EXPECT_EQ(Read(*files), data);
}

TEST_F(MergeTest, CancelLeavesNoOutput) {
  Data data;
  for (SeriesId series = 0; series < 3000; ++series) data[series] = Regular(0, 20, 1);
  AddInput(data, 1);
  std::atomic<bool> cancel = false;
  options_.cancel = &cancel;
  options_.file_bytes_max = 1;
  options_.next_name = [&] {
    if (++outputs_ == 4) cancel = true;
    return "out" + std::to_string(outputs_) + ".tsm";
  };
  EXPECT_EQ(Merge().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Names(), std::vector<std::string>({"in0.tsm"}));
}

TEST_F(MergeTest, DamageIsReportedAndLeavesNoOutput) {
  AddInput({{1, Regular(0, 3000, 1)}}, 1);
  AddInput({{1, Regular(5, 3000, 1)}}, 2);
  ASSERT_TRUE(env_.FlipBits("/shard/in1.tsm", 40, 1).ok());
  auto damaged = FileReader::Open(env_, kFolder, inputs_[1].file->info());
  ASSERT_TRUE(damaged.ok()) << "opening does not read the data";
  inputs_[1].file = *damaged;
  EXPECT_EQ(Merge().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Names(), std::vector<std::string>({"in0.tsm", "in1.tsm"}));
}

// Random rows for one input: some over those that older inputs wrote, some beside them.
Data RandomInput(std::mt19937_64& random, const Data& before, std::map<SeriesId, Types>* types) {
  Data data;
  const SeriesId series_count = 1 + static_cast<SeriesId>(random() % 6);
  for (SeriesId i = 0; i < series_count; ++i) {
    const auto series = static_cast<SeriesId>(random() % 8);
    // Seldom a field comes back with another type, as after DROP MEASUREMENT.
    if (random() % 6 == 0) (*types)[series].clear();
    const size_t sizes[] = {5, 100, 1500, 4000};
    Rows rows = testing::RandomRows(random, 1 + random() % sizes[random() % 4], &(*types)[series],
                                    1 + random() % 4);
    const auto old = before.find(series);
    if (old != before.end() && !old->second.empty() && random() % 2 == 0) {
      // Shift onto the times of older rows.
      Rows moved;
      auto at = old->second.begin();
      std::advance(at, random() % old->second.size());
      for (auto& [time, row] : rows) {
        if (at == old->second.end()) break;
        moved[at->first + (random() % 10 == 0 ? 1 : 0)] = row;
        ++at;
      }
      rows = std::move(moved);
    }
    data[series] = std::move(rows);
  }
  return testing::Compact(std::move(data));
}

TEST_F(MergeTest, RandomInputsGiveWhatAMapGives) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    inputs_.clear();
    tombstones_.clear();
    options_.writer.cold = seed % 4 == 3;
    options_.file_bytes_max = seed % 5 == 0 ? 20000 : 1 << 30;
    Data want;
    std::map<SeriesId, Types> types;
    const size_t inputs = 1 + random() % 5;
    for (uint64_t sequence = 1; sequence <= inputs * 2; sequence += 2) {
      const Data data = RandomInput(random, want, &types);
      if (data.empty()) continue;
      AddInput(data, sequence, {.cold = random() % 2 == 0}, 1 + random() % 3000);
      for (const auto& [series, rows] : data) {
        for (const auto& [time, row] : rows) {
          for (const auto& [field, value] : row) want[series][time][field] = value;
        }
      }
      if (random() % 2 == 0) continue;
      std::vector<SeriesId> covered;
      for (SeriesId series = 0; series < 8; ++series) {
        if (random() % 2 == 0) covered.push_back(series);
      }
      auto from = static_cast<int64_t>(1'600'000'000'000'000'000 + random() % 20'000'000'000'000);
      const auto to = from + static_cast<int64_t>(random() % 40'000'000'000'000);
      AddTombstone(sequence + random() % 2, from, to, covered);
      for (const SeriesId series : covered) {
        const auto at = want.find(series);
        if (at == want.end()) continue;
        std::erase_if(at->second,
                      [&](const auto& row) { return from <= row.first && row.first <= to; });
      }
    }
    auto files = Merge();
    ASSERT_TRUE(files.ok()) << files.status();
    const Data got = testing::Compact(Read(*files));
    ASSERT_TRUE(got == testing::Compact(want));
    for (const std::string& name : Names()) {
      EXPECT_FALSE(name.ends_with(".tmp")) << name;
      ASSERT_TRUE(env_.RemoveFile(std::string(kFolder) + "/" + name).ok());
    }
  }
}

TEST_F(MergeTest, EveryFailingCallLeavesTheInputsAndNoOutput) {
  AddInput({{1, Regular(0, 3000, 1)}, {2, Regular(7, 30, 1)}}, 1);
  AddInput({{1, Regular(5, 3000, 1)}, {3, Regular(7, 3, 1)}}, 2);
  options_.file_bytes_max = 1;
  const Data want = Read(*Merge());
  for (const std::string& name : Names()) {
    if (name.starts_with("out")) {
      ASSERT_TRUE(env_.RemoveFile("/shard/" + name).ok());
    }
  }
  ASSERT_TRUE(env_.SyncDir(kFolder).ok());
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 200u);
    env_.FailAfter(n, base::FaultKind::kIoError);
    auto files = Merge();
    env_.ClearFaults();
    if (files.ok()) {
      EXPECT_EQ(Read(*files), want);
      break;
    }
    for (const std::string& name : Names()) {
      EXPECT_FALSE(name.ends_with(".tmp")) << name;
      if (name.starts_with("out")) {
        // Only the last file may remain, when its folder could not be synced.
        EXPECT_NE(env_.last_fault().find("sync"), std::string::npos) << env_.last_fault();
        ASSERT_TRUE(env_.RemoveFile("/shard/" + name).ok());
      }
    }
  }
}

}  // namespace
}  // namespace varve::tsm
