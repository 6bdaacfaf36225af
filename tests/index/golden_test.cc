// Files of each version, as they were when the version was made, open and read the same for ever.
// `./dev golden --update` writes them again, and the fuzzers' first inputs with them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "index/inspect.h"
#include "index/series_segment.h"
#include "index/series_table.h"
#include "index/shard_index.h"
#include "index/shard_segment.h"
#include "tests/fuzz/index_sections.h"
#include "tests/index/index_testing.h"

namespace varve::index {
namespace {

constexpr char kFolder[] = "/golden";

std::string GoldenPath(int version = 1) {
  return base::StrCat(VARVE_SOURCE_DIR, "/tests/golden/index_v", version);
}

// Every coding of values and postings.
void MakeFiles(base::Env& env) {
  auto table = *SeriesTable::Open(env, kFolder);
  auto index = *ShardIndex::Open(env, kFolder, *table);
  const auto add = [&](const std::string& key) {
    index->AddSeries(MustRegister(*table, key).series);
  };
  for (int i = 0; i < 50; ++i) {
    add(base::StrCat("cpu,core=", i % 4, ",host=host_", i * 37 % 50, i % 2 == 0 ? ",os=linux" : "",
                     ",rack=r00", i % 7));
  }
  for (const char* id : {"7b1e", "q", "", "\xc3\xa4\xc3\xb6"}) {
    add(base::StrCat("odd\\ name,a\\,b=x\\=", id, ",token=", std::string(40, 'x'), id));
  }
  add("bare");
  index->AddField(*table->RegisterField(0, "usage", IgnoreDefinition), model::FieldType::kFloat);
  index->AddField(*table->RegisterField(1, "n", IgnoreDefinition), model::FieldType::kInteger);
  CHECK(table->Flush().ok());
  CHECK(index->Flush().ok());
  index->RemoveSeries(SeriesSet(std::vector<model::SeriesId>{3, 4, 5, 9}), true);
  CHECK(index->Flush().ok());
}

// A series table that has forgotten: one segment with gaps between its ids, one with dead series,
// and ids behind both that were given once.
void MakeForgetfulTable(base::Env& env) {
  const auto table = *SeriesTable::Open(env, kFolder);
  const auto forget = [&](const std::vector<model::SeriesId>& ids) {
    table->Watch(SeriesSet(ids));
    CHECK_EQ(table->Forget(SeriesSet(ids)), ids.size());
    CHECK(table->Flush().ok());
  };
  for (int i = 0; i < 60; ++i) {
    MustRegister(*table, base::StrCat("cpu,core=", i % 4, ",host=host_", i * 37 % 50));
  }
  CHECK(table->RegisterField(0, "usage", IgnoreDefinition).ok());
  CHECK(table->Flush().ok());
  forget({3, 4, 5, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31});
  for (int i = 0; i < 12; ++i) MustRegister(*table, base::StrCat("mem,host=host_", i));
  CHECK(table->Flush().ok());
  forget({61, 62});
  MustRegister(*table, "bare");
  CHECK(table->Flush().ok());
  forget({72});
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  CHECK(out.good());
}

void WriteFuzzInputs(base::Env& env, const std::string& name) {
  const std::string corpus = base::StrCat(VARVE_SOURCE_DIR, "/tests/fuzz/corpus/");
  const std::string path = base::JoinPath(kFolder, name);
  if (name.starts_with("series-")) {
    const auto file = SectionFile::Open(env, path, kSeriesSegmentFormats);
    const SectionFormat& format = kSeriesSegmentFormats[file->version() - 1];
    WriteFile(base::StrCat(corpus, "series_segment/golden_v", file->version()),
              InputOfSections(*file, format));
  } else if (name.starts_with("index-")) {
    const auto file = SectionFile::Open(env, path, kShardSegmentFormat);
    WriteFile(corpus + "shard_segment/golden_v1", InputOfSections(*file, kShardSegmentFormat));
  }
}

// Puts the golden files of a version into `env`, where they must read as they did.
void OpenGolden(int version, void (*make)(base::Env&), base::Env& env) {
  base::Env& disk = base::Env::Default();
  const std::string path = GoldenPath(version);
  const std::string text_path = path + ".txt";
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    base::FaultyEnv made;
    make(made);
    ASSERT_TRUE(disk.RemoveTree(path).ok());
    ASSERT_TRUE(disk.CreateDirs(path).ok());
    for (const auto& [name, bytes] : ReadFolder(made, kFolder)) {
      WriteFile(base::JoinPath(path, name), bytes);
      WriteFuzzInputs(made, name);
    }
    WriteFile(text_path, *DescribeIndex(made, kFolder, {.series = true}));
  }
  ASSERT_TRUE(env.CreateDirs(kFolder).ok());
  for (const auto& [name, bytes] : ReadFolder(disk, path)) {
    ASSERT_TRUE(base::WriteFileAtomically(env, base::JoinPath(kFolder, name), bytes).ok());
  }
  EXPECT_EQ(*DescribeIndex(env, kFolder, {.series = true}), *base::ReadFile(disk, text_path));
  EXPECT_TRUE(VerifyIndex(env, kFolder).ok());
}

TEST(IndexGoldenTest, FilesOfVersion2ReadAsTheyDid) {
  base::FaultyEnv env;
  OpenGolden(2, MakeForgetfulTable, env);
  const auto table = *SeriesTable::Open(env, kFolder);
  EXPECT_EQ(table->series_count(), 54u);
  SeriesRef ref;
  EXPECT_FALSE(table->NewLookup()->Find("mem,host=host_1", &ref));
  EXPECT_FALSE(table->NewLookup()->Find("bare", &ref));
  EXPECT_EQ(table->FindMeasurement("bare"), 2u);
  EXPECT_EQ(table->FindField(0, "usage"), 0u);
  EXPECT_EQ(MustRegister(*table, "bare").series, 73u);
}

TEST(IndexGoldenTest, FilesOfVersion1ReadAsTheyDid) {
  base::FaultyEnv env;
  OpenGolden(1, MakeFiles, env);
  const auto table = *SeriesTable::Open(env, kFolder);
  const auto index = *ShardIndex::Open(env, kFolder, *table);
  EXPECT_EQ(table->series_count(), 55u);
  EXPECT_EQ(index->series_count(), 51u);
  EXPECT_EQ(index->View()->Fields(0)[0].name, "usage");
  EXPECT_EQ(index->View()->TagValues(1, "a,b").size(), 4u);
}

// What this build writes is what the versions are.
TEST(IndexGoldenTest, TheSameSeriesGiveTheSameBytes) {
  base::FaultyEnv made;
  MakeFiles(made);
  EXPECT_EQ(ReadFolder(made, kFolder), ReadFolder(base::Env::Default(), GoldenPath(1)));
  base::FaultyEnv forgetful;
  MakeForgetfulTable(forgetful);
  EXPECT_EQ(ReadFolder(forgetful, kFolder), ReadFolder(base::Env::Default(), GoldenPath(2)));
}

}  // namespace
}  // namespace varve::index
