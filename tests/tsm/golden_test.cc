// Files of earlier builds stay readable: tests/golden/tsm_v1.tsm is opened and dumped, and the dump
// compared with tsm_v1.txt. After a deliberate change: ./dev golden --update.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/tsm/tsm_testing.h"
#include "tsm/inspect.h"
#include "tsm/manifest.h"

namespace varve::tsm {
namespace {

using model::FieldValue;
using testing::Data;
using testing::Rows;
using testing::Value;

const std::string kFolder = VARVE_SOURCE_DIR "/tests/golden/";

// One of each: every type in the page and in blocks, one checksum and many, nulls as runs and as
// bits, regular times and others, short decimals and floats that are none.
Data GoldenData() {
  std::mt19937_64 random(42);
  Data data;
  const auto value = [](const FieldValue& v) { return Value::Of(v); };
  for (int64_t row = 0; row < 5; ++row) {
    data[1][1'700'000'000'000'000'000 + row * 10'000'000'000] = {
        {1, value(FieldValue::Float(static_cast<double>(row) / 10))},
        {2, value(FieldValue::Integer(-row))},
        {3, value(FieldValue::Unsigned(~uint64_t{0} - static_cast<uint64_t>(row)))},
        {4, value(FieldValue::Boolean(row % 2 == 0))},
        {5, value(FieldValue::String(row == 3 ? "" : "text"))}};
  }
  data[1].begin()->second.erase(2);
  data[2][5] = {{9, value(FieldValue::Float(std::sqrt(2.0)))}};
  data[2][77] = {{9, value(FieldValue::Float(-0.0))}};
  int64_t time = 1'700'000'000'000'000'000;
  for (int row = 0; row < 60; ++row) {
    testing::Row& cells = data[7][time];
    time += 1'000'000'000 + static_cast<int64_t>(random() % 1000);
    cells[1] = value(FieldValue::Float(std::sqrt(static_cast<double>(row))));
    if (row >= 20) cells[2] = value(FieldValue::Integer(row * row));
    if (random() % 2 == 0) cells[3] = value(FieldValue::Unsigned(7));
    cells[4] = value(FieldValue::Boolean(row < 30));
    cells[5] = value(FieldValue::String(row % 3 == 0 ? "north" : "south"));
  }
  for (int64_t row = 0; row < 600; ++row) {
    data[4'000'000'000][1'700'000'000'000'000'000 + row * 1'000'000'000] = {
        {11, value(FieldValue::Integer(static_cast<int64_t>(random())))},
        {12, value(FieldValue::Float(static_cast<double>(random() % 10000) / 100))}};
  }
  return data;
}

Manifest GoldenManifest(const FileInfo& info) {
  Manifest manifest;
  manifest.flushed_lsn = 1234;
  manifest.next_sequence = 9;
  manifest.files.push_back({info, 2, 7});
  manifest.tombstones.push_back({8,
                                 {100, 200},
                                 std::make_shared<const std::vector<model::SeriesId>>(
                                     std::vector<model::SeriesId>{1, 2, 3, 900})});
  return manifest;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(TsmGoldenTest, FilesOfVersionOneDumpAsTheyDid) {
  base::Env& env = base::Env::Default();
  const bool update = std::getenv("GOLDEN_UPDATE") != nullptr;
  const std::string manifest_folder = kFolder + "manifest_v1";
  if (update) {
    auto info = testing::WriteData(env, kFolder, "tsm_v1.tsm", GoldenData());
    ASSERT_TRUE(info.ok()) << info.status();
    std::filesystem::create_directories(manifest_folder);
    ASSERT_TRUE(SaveManifest(env, manifest_folder, GoldenManifest(*info)).ok());
  }
  std::ostringstream dump;
  absl::Status status = DumpFile(env, kFolder + "tsm_v1.tsm", {.chunks = true, .rows = true}, dump);
  ASSERT_TRUE(status.ok()) << status;
  status = DumpManifest(env, manifest_folder, dump);
  ASSERT_TRUE(status.ok()) << status;
  if (update) std::ofstream(kFolder + "tsm_v1.txt", std::ios::binary) << dump.str();
  EXPECT_EQ(dump.str(), ReadText(kFolder + "tsm_v1.txt"));

  FileInfo name_only;
  name_only.name = "tsm_v1.tsm";
  auto file = FileReader::Open(env, kFolder, name_only);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Verify().ok());
  auto data = testing::ReadData(**file);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_TRUE(*data == GoldenData());
}

}  // namespace
}  // namespace varve::tsm
