// The real program over HTTP: what was acknowledged survives, what is wrong is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

using ::testing::HasSubstr;

class EndToEndTest : public ::testing::Test {
 protected:
  EndToEndTest() { folder_ = root_ + "/data"; }

  static std::string Query(const VarvedProcess& varved, const std::string& text) {
    httplib::Client client("127.0.0.1", varved.port());
    client.set_read_timeout(60);
    const auto answer =
        client.Post("/query", httplib::Params{{"db", "d"}, {"epoch", "ns"}, {"q", text}});
    return answer ? answer->body : "no answer";
  }
  static int Write(const VarvedProcess& varved, const std::string& lines) {
    httplib::Client client("127.0.0.1", varved.port());
    const auto answer = client.Post("/write?db=d", lines, "text/plain");
    return answer ? answer->status : 0;
  }

  const TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
  std::string folder_;
};

TEST_F(EndToEndTest, LogsQueriesThatTakeLong) {
  std::ofstream(root_ + "/varve.conf") << "[coordinator]\nlog-queries-after = \"1ns\"\n";
  {
    VarvedProcess varved(folder_, {"--config", root_ + "/varve.conf"});
    Query(varved, "CREATE DATABASE d; CREATE USER u WITH PASSWORD 'secret'");
    EXPECT_EQ(varved.Stop(), 0);
  }
  std::stringstream log;
  log << std::ifstream(folder_ + ".log").rdbuf();
  EXPECT_THAT(log.str(), HasSubstr("query took long"));
  EXPECT_THAT(log.str(), HasSubstr("PASSWORD [REDACTED]"));
  EXPECT_THAT(log.str(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(EndToEndTest, AcknowledgedPointsSurviveKill) {
  size_t points = 0;
  for (int round = 0; round < 3; ++round) {
    VarvedProcess varved(folder_);
    if (round == 0) {
      EXPECT_EQ(Query(varved, "CREATE DATABASE d"), "{\"results\":[{\"statement_id\":0}]}\n");
    } else {
      EXPECT_EQ(Query(varved, "SELECT count(v) FROM m"),
                base::StrCat("{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\","
                             "\"columns\":[\"time\",\"count\"],\"values\":[[0,",
                             points, "]]}]}]}\n"));
    }
    for (int batch = 0; batch < 20; ++batch) {
      std::string lines;
      for (int i = 0; i < 50; ++i) {
        base::StrAppend(lines, "m,host=h", i % 7, " v=", points, "i ", 1000 + points, "\n");
        ++points;
      }
      ASSERT_EQ(Write(varved, lines), 204);
    }
    varved.Kill();
  }
}

TEST_F(EndToEndTest, ConcurrentWritersLoseNothingThatWasAcknowledged) {
  std::atomic<uint64_t> acknowledged{0};
  {
    VarvedProcess varved(folder_);
    Query(varved, "CREATE DATABASE d");
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        httplib::Client client("127.0.0.1", varved.port());
        client.set_keep_alive(true);
        for (int i = 0; i < 200; ++i) {
          const auto answer = client.Post(
              "/write?db=d", base::StrCat("m,w=", writer, " v=", i, " ", i), "text/plain");
          if (!answer || answer->status != 204) return;
          acknowledged.fetch_add(1);
        }
      });
    }
    while (acknowledged.load() < 200) std::this_thread::yield();
    varved.Kill();
    for (std::thread& writer : writers) writer.join();
  }
  VarvedProcess again(folder_);
  const std::string answer = Query(again, "SELECT count(v) FROM m");
  const size_t at = answer.find("[[0,");
  ASSERT_NE(at, std::string::npos) << answer;
  EXPECT_GE(std::stoull(answer.substr(at + 4)), acknowledged.load());
}

TEST_F(EndToEndTest, ASecondServerOnTheFolderIsRefused) {
  VarvedProcess varved(folder_);
  std::string output;
  EXPECT_EQ(RunProgram({VarvedPath(), "--data-dir", folder_, "--http-bind-address", "127.0.0.1:0"},
                       &output),
            1);
  EXPECT_THAT(output, HasSubstr("is in use by another server"));
  EXPECT_EQ(varved.Stop(), 0);
}

TEST_F(EndToEndTest, BadLinesAreNamedAndGoodOnesKept) {
  VarvedProcess varved(folder_);
  Query(varved, "CREATE DATABASE d");
  httplib::Client client("127.0.0.1", varved.port());
  const auto answer = client.Post("/write?db=d", "m v=1 1\nbad\nm v=2 2", "text/plain");
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body,
            "{\"error\":\"partial write: unable to parse 'bad': missing fields dropped=0\"}\n");
  EXPECT_THAT(Query(varved, "SELECT v FROM m"), HasSubstr("\"values\":[[1,1],[2,2]]"));
  EXPECT_EQ(client.Post("/write?db=none", "m v=1", "text/plain")->body,
            "{\"error\":\"database not found: \\\"none\\\"\"}\n");
}

TEST_F(EndToEndTest, TheConfiguredBodySizeHolds) {
  std::ofstream(root_ + "/varve.conf") << "[http]\nmax-body-size = 100\nlog-enabled = false\n";
  VarvedProcess varved(folder_, {"--config", root_ + "/varve.conf"});
  Query(varved, "CREATE DATABASE d");
  EXPECT_EQ(Write(varved, "m v=1 1"), 204);
  EXPECT_EQ(Write(varved, "m v=\"" + std::string(200, 'x') + "\" 1"), 413);
}

TEST_F(EndToEndTest, MisuseAndBadConfigurationEndWithTwo) {
  std::string output;
  EXPECT_EQ(RunProgram({VarvedPath(), "--nosuch"}, &output), 2);
  std::ofstream(root_ + "/bad.conf") << "[http]\nbind-adress = \"x\"\n";
  output.clear();
  EXPECT_EQ(RunProgram({VarvedPath(), "--config", root_ + "/bad.conf"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("bad.conf:2: unknown key http.bind-adress; did you mean"));
  output.clear();
  EXPECT_EQ(RunProgram({VarvedPath(), "version"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("varved "));
}

TEST_F(EndToEndTest, WhatTheFileDeclaresIsMadeAndFollowed) {
  const std::string file = root_ + "/varve.conf";
  const auto declare = [&](const std::string& duration) {
    std::ofstream(file) << "[[database]]\nname = \"d\"\n\n[[database.retention-policy]]\nname = "
                           "\"raw\"\nduration = \""
                        << duration << "\"\ndefault = true\n";
  };
  declare("30d");
  VarvedProcess varved(folder_, {"--config", file});
  EXPECT_THAT(Query(varved, "SHOW RETENTION POLICIES"), HasSubstr("\"raw\",\"720h0m0s\""));
  EXPECT_THAT(Query(varved, "ALTER RETENTION POLICY raw ON d DURATION 1d"),
              HasSubstr("retention policy raw is declared in " + file + ":4; change it there"));
  declare("7d");
  // `varve config` is `varved config`.
  const std::vector<std::string> apply = {VarvePath(), "config",     "apply", "--config",
                                          file,        "--data-dir", folder_};
  std::vector<std::string> dry_run = apply;
  dry_run[0] = VarvedPath();
  dry_run.push_back("--dry-run");
  std::string output;
  EXPECT_EQ(RunProgram(dry_run, &output), 0) << output;
  EXPECT_EQ(output, "alter retention policy raw on d: duration 30d -> 1w\n");
  EXPECT_THAT(Query(varved, "SHOW RETENTION POLICIES"), HasSubstr("720h0m0s"));
  EXPECT_EQ(RunProgram(apply, &output), 0) << output;
  EXPECT_THAT(output, HasSubstr("told the server"));
  std::string policies;
  for (int i = 0; i < 3000 && policies.find("168h0m0s") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    policies = Query(varved, "SHOW RETENTION POLICIES");
  }
  EXPECT_THAT(policies, HasSubstr("168h0m0s"));
  declare("7 days");
  EXPECT_EQ(RunProgram(apply, &output), 1);
  EXPECT_THAT(output, HasSubstr(file + ":6: retention-policy.duration: expected a duration"));
}

TEST_F(EndToEndTest, ThePastIsDownsampledOnRequest) {
  VarvedProcess varved(folder_);
  Query(varved, "CREATE DATABASE d");
  Query(varved,
        "CREATE CONTINUOUS QUERY c ON d BEGIN SELECT sum(v) AS v INTO s FROM m GROUP BY time(1h) "
        "END");
  EXPECT_EQ(Write(varved, "m v=1 0\nm v=2 1\nm v=4 3600000000000"), 204);
  std::string output;
  EXPECT_EQ(RunProgram({VarvePath(), "downsample", "backfill", "--host",
                        base::StrCat("127.0.0.1:", varved.port()), "-d", "d", "--from",
                        "1970-01-01", "--to", "1970-01-02T00:00:00Z", "c"},
                       &output),
            0)
      << output;
  EXPECT_THAT(Query(varved, "SELECT v FROM s"), HasSubstr("[[0,3],[3600000000000,4]]"));
  EXPECT_EQ(RunProgram({VarvePath(), "downsample", "status", "--host",
                        base::StrCat("127.0.0.1:", varved.port())},
                       &output),
            0)
      << output;
  EXPECT_THAT(output, HasSubstr("windows_recomputed"));
}

TEST_F(EndToEndTest, TheDemoLoadsAndDraws) {
  VarvedProcess varved(folder_);
  const std::string host = base::StrCat("127.0.0.1:", varved.port());
  std::string output;
  ASSERT_EQ(RunProgram({VarvePath(), "demo", "--host", host, "--end", "1700000000"}, &output), 0)
      << output;
  EXPECT_THAT(output, HasSubstr("Loaded 345600 points of 40 sensors"));
  EXPECT_THAT(output, HasSubstr("floor"));
  EXPECT_THAT(output, HasSubstr("└──"));
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "query", "--host", host, "-db", "building",
                        "SELECT count(co2) FROM climate"},
                       &output),
            0);
  EXPECT_THAT(output, HasSubstr("345600"));
}

TEST_F(EndToEndTest, AnExportOfInfluxDbIsImported) {
  const std::string file = root_ + "/export.txt";
  std::ofstream(file) << "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n# DDL\n"
                         "CREATE DATABASE d WITH NAME autogen\nCREATE DATABASE d WITH NAME week\n"
                         "# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:autogen\n"
                         "# writing tsm data\nm v=1 1\nm v=2 2\n# CONTEXT-DATABASE:d\n"
                         "# CONTEXT-RETENTION-POLICY:week\n# writing tsm data\nm v=4 1\n";
  VarvedProcess varved(folder_);
  const std::string host = base::StrCat("127.0.0.1:", varved.port());
  std::string output;
  EXPECT_EQ(RunProgram({VarvePath(), "import", "--host", host, file}, &output), 0) << output;
  EXPECT_THAT(Query(varved, "SELECT sum(v) FROM m"), HasSubstr("[[0,3]]"));
  EXPECT_THAT(Query(varved, "SELECT sum(v) FROM week.m"), HasSubstr("[[0,4]]"));
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "import", "--host", host, "-d", "one", file}, &output), 0)
      << output;
  EXPECT_THAT(Query(varved, "SELECT count(v) FROM one.autogen.m"), HasSubstr("[[0,2]]"));
  output.clear();
  std::ofstream(root_ + "/bare.txt") << "# no marks\nm v=1 1\n";
  EXPECT_EQ(RunProgram({VarvePath(), "import", "--host", host, root_ + "/bare.txt"}, &output), 1);
  EXPECT_THAT(output, HasSubstr("the file names no database: name one with --database"));
}

TEST_F(EndToEndTest, FilesAreImportedAndInspected) {
  std::ofstream(root_ + "/lines.txt") << "m,a=b v=1 1\nm,a=c v=2 2\nm,a=b v=3 3";
  {
    VarvedProcess varved(folder_);
    const std::string host = base::StrCat("127.0.0.1:", varved.port());
    std::string output;
    ASSERT_EQ(RunProgram({VarvePath(), "import", "--host", host, "--database", "d", "--precision",
                          "s", root_ + "/lines.txt"},
                         &output),
              0)
        << output;
    EXPECT_THAT(output, HasSubstr("sent 3 lines"));
    EXPECT_THAT(Query(varved, "SELECT sum(v) FROM m"), HasSubstr("[[0,6]]"));
    EXPECT_EQ(varved.Stop(), 0);
  }
  std::string output;
  EXPECT_EQ(RunProgram({VarvePath(), "inspect", "verify", folder_}, &output), 0) << output;
  EXPECT_THAT(output, HasSubstr(" 0 damaged"));
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "inspect", "wal", folder_ + "/wal"}, &output), 0) << output;
  EXPECT_THAT(output, HasSubstr("first LSN"));
}

}  // namespace
}  // namespace varve::server
