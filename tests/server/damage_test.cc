// One flipped byte in each kind of file: `varve inspect verify` names it, and so does the server,
// which starts and answers with all the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Two points in two shards.
constexpr std::string_view kPoints = "m,h=a v=1 1000\nm,h=b v=2 1700000000000000000";

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    folder_ = root_ + "/data";
    std::ofstream(root_ + "/soon.conf") << "[data]\ncache-snapshot-write-cold-duration = \"1s\"\n";
    std::ofstream(root_ + "/late.conf") << "[data]\ncache-snapshot-write-cold-duration = \"1h\"\n";
  }

  static std::string Query(const VarvedProcess& varved, const std::string& text) {
    httplib::Client client("127.0.0.1", varved.port());
    client.set_read_timeout(60);
    const auto answer =
        client.Post("/query", httplib::Params{{"db", "d"}, {"epoch", "ns"}, {"q", text}});
    return answer ? answer->body : "no answer";
  }
  static std::string Health(const VarvedProcess& varved) {
    const auto answer = httplib::Client("127.0.0.1", varved.port()).Get("/health");
    return answer ? answer->body : "no answer";
  }
  static int Write(const VarvedProcess& varved, std::string_view lines) {
    httplib::Client client("127.0.0.1", varved.port());
    const auto answer = client.Post("/write?db=d", std::string(lines), "text/plain");
    return answer ? answer->status : 0;
  }

  std::vector<std::string> Files(std::string_view ending) const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().string().ends_with(ending)) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  // Leaves both shards in files.
  void WriteAndFlush() {
    VarvedProcess varved(folder_, {"--config", root_ + "/soon.conf"});
    Query(varved, "CREATE DATABASE d");
    ASSERT_EQ(Write(varved, kPoints), 204);
    for (int i = 0; i < 3000 && Files("MANIFEST").size() < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(Files(".tsm").size(), 2u);
  }
  // `offset`: from the start, or, negative, from the end.
  static void Flip(const std::string& path, int64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto whence = offset < 0 ? std::ios::end : std::ios::beg;
    file.seekg(offset, whence);
    const auto byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(offset, whence);
    file.put(byte);
  }
  void ExpectVerifyNames(const std::string& path) const {
    std::string output;
    EXPECT_EQ(RunProgram({VarvePath(), "inspect", "verify", folder_}, &output), 1);
    EXPECT_THAT(output, AllOf(HasSubstr(path), HasSubstr("offset="), HasSubstr(" 1 damaged")));
  }
  void ExpectNamed(const VarvedProcess& varved, const std::string& path) const {
    EXPECT_THAT(Health(varved), HasSubstr(path));
    std::ifstream log(folder_ + ".log");
    const std::string text{std::istreambuf_iterator<char>(log), {}};
    EXPECT_THAT(text, AllOf(HasSubstr("data is damaged"), HasSubstr(path)));
  }

  const TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
  std::string folder_;
};

TEST_F(DamageTest, AShardIsRefusedAndTheOtherServed) {
  WriteAndFlush();
  for (const std::string& path : {Files(".tsm").front(), Files("MANIFEST").front()}) {
    Flip(path, -20);
    ExpectVerifyNames(path);
    VarvedProcess varved(folder_);
    ExpectNamed(varved, path);
    EXPECT_THAT(Query(varved, "SELECT v FROM m WHERE time < 2000"),
                AllOf(HasSubstr("error"), HasSubstr(path)));
    EXPECT_THAT(Query(varved, "SELECT v FROM m WHERE time > 1600000000s"),
                HasSubstr("[[1700000000000000000,2]]"));
    EXPECT_EQ(Write(varved, "m,h=b v=2 1700000000000000000"), 204);
    EXPECT_EQ(varved.Stop(), 0);
    Flip(path, -20);
  }
  VarvedProcess varved(folder_);
  EXPECT_THAT(Query(varved, "SELECT count(v) FROM m"), HasSubstr("[[0,2]]"));
}

TEST_F(DamageTest, AFlippedValueIsNamedWhenItIsRead) {
  WriteAndFlush();
  const std::string path = Files(".tsm").front();
  Flip(path, 20);
  ExpectVerifyNames(path);
  VarvedProcess varved(folder_);
  EXPECT_THAT(Query(varved, "SELECT v FROM m WHERE time < 2000"), HasSubstr(path));
  ExpectNamed(varved, path);
}

TEST_F(DamageTest, TheIndexOfAShardIsMadeAgain) {
  WriteAndFlush();
  for (const char* name : {"index-00000001.seg", "index.list"}) {
    const std::string path = Files(name).front();
    Flip(path, 20);
    ExpectVerifyNames(path);
    {
      VarvedProcess varved(folder_);
      ExpectNamed(varved, path);
      EXPECT_THAT(Query(varved, "SELECT count(v) FROM m"), HasSubstr("[[0,2]]"));
      varved.Kill();
    }
    std::string output;
    EXPECT_EQ(RunProgram({VarvePath(), "inspect", "verify", folder_}, &output), 0) << output;
    VarvedProcess varved(folder_);
    EXPECT_THAT(Query(varved, "SELECT count(v) FROM m"), HasSubstr("[[0,2]]"));
    EXPECT_THAT(Health(varved), HasSubstr("\"checks\":[]"));
  }
}

TEST_F(DamageTest, ADatabaseIsRefusedAndTheOthersServed) {
  WriteAndFlush();
  const std::string path = Files("series.list").front();
  Flip(path, 20);
  ExpectVerifyNames(path);
  VarvedProcess varved(folder_);
  ExpectNamed(varved, path);
  EXPECT_THAT(Query(varved, "SELECT v FROM m"), HasSubstr(path));
  EXPECT_EQ(Write(varved, kPoints), 500);
  Query(varved, "CREATE DATABASE other");
  httplib::Client client("127.0.0.1", varved.port());
  EXPECT_EQ(client.Post("/write?db=other", std::string(kPoints), "text/plain")->status, 204);
  EXPECT_THAT(Query(varved, "SELECT count(v) FROM other..m"), HasSubstr("[[0,2]]"));
  EXPECT_EQ(Query(varved, "DROP DATABASE d"), "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_THAT(Query(varved, "SHOW DATABASES"), HasSubstr("[[\"other\"]]"));
}

TEST_F(DamageTest, BehindADamagedLogRecordTheServerOnlyReads) {
  WriteAndFlush();
  for (int i = 1; i <= 2; ++i) {
    VarvedProcess varved(folder_, {"--config", root_ + "/late.conf"});
    ASSERT_EQ(Write(varved, "m,h=a v=" + std::to_string(i + 2) + " " + std::to_string(i)), 204);
    varved.Kill();
  }
  const std::vector<std::string> segments = Files(".wal");
  ASSERT_EQ(segments.size(), 2u);
  Flip(segments.front(), static_cast<int64_t>(fs::file_size(segments.front())) / 2);
  ExpectVerifyNames(segments.front());
  for (int round = 0; round < 2; ++round) {
    VarvedProcess varved(folder_, {"--config", root_ + "/late.conf"});
    ExpectNamed(varved, segments.front());
    EXPECT_THAT(Query(varved, "SELECT count(v) FROM m"), HasSubstr("[[0,2]]"));
    EXPECT_EQ(Write(varved, kPoints), 503);
    EXPECT_EQ(Files(".wal"), segments);
    EXPECT_EQ(varved.Stop(), 0);
  }
  Flip(segments.front(), static_cast<int64_t>(fs::file_size(segments.front())) / 2);
  VarvedProcess varved(folder_);
  EXPECT_THAT(Query(varved, "SELECT count(v) FROM m"), HasSubstr("[[0,4]]"));
}

}  // namespace
}  // namespace varve::server
