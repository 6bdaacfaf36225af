// What the server tells of itself: `_internal`, SHOW STATS, SHOW DIAGNOSTICS, over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/strings.h"
#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class MonitoringTest : public ::testing::Test {
 protected:
  void Start(const std::string& config) {
    const std::string path = base::JoinPath(root_, "varve.conf");
    auto file = base::Env::Default().CreateFile(path);
    ASSERT_TRUE(file.ok() && (*file)->Append(config).ok() && (*file)->Close().ok());
    // Else VarvedProcess turns the storing of statistics off.
    setenv("VARVE_MONITOR_STORE_ENABLED", "true", 1);
    varved_ = std::make_unique<VarvedProcess>(base::JoinPath(root_, "data"),
                                              std::vector<std::string>{"--config", path});
    unsetenv("VARVE_MONITOR_STORE_ENABLED");
    client_ = std::make_unique<httplib::Client>("127.0.0.1", varved_->port());
  }
  std::string Query(const std::string& text) {
    const auto answer =
        client_->Post("/query", httplib::Params{{"db", "_internal"}, {"epoch", "ns"}, {"q", text}});
    return answer ? answer->body : "no answer";
  }
  // Asks again until the answer has `text` in it.
  std::string QueryUntil(const std::string& query, const std::string& text) {
    std::string answer;
    for (int i = 0; i < 3000; ++i) {
      answer = Query(query);
      if (answer.find(text) != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return answer;
  }
  std::string Log() {
    return base::ReadFile(base::Env::Default(), base::JoinPath(root_, "data.log")).value();
  }

  const TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
  std::unique_ptr<VarvedProcess> varved_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(MonitoringTest, StatisticsAreStoredUnderInfluxDbsNames) {
  Start("[monitor]\nstore-interval = \"1s\"\n[http]\nlog-enabled = false\n");
  Query("CREATE DATABASE d");
  ASSERT_EQ(client_->Post("/write?db=d", "m,t=a v=1\nm,t=b v=1", "")->status, 204);
  // Once that write is in it.
  EXPECT_THAT(QueryUntil("SELECT max(pointsWrittenOK) FROM httpd", ",2]"), HasSubstr(",2]"));
  EXPECT_THAT(Query("SHOW DATABASES"), HasSubstr("[[\"d\"],[\"_internal\"]]"));
  EXPECT_THAT(Query("SHOW RETENTION POLICIES"),
              HasSubstr("[[\"monitor\",\"168h0m0s\",\"24h0m0s\",1,true]]"));
  const std::string measurements = Query("SHOW MEASUREMENTS");
  for (const char* name : {"cq", "database", "httpd", "queryExecutor", "runtime", "shard",
                           "tsm1_cache", "tsm1_engine", "tsm1_filestore", "tsm1_wal", "write"}) {
    EXPECT_THAT(measurements, HasSubstr(base::StrCat("[\"", name, "\"]")));
  }
  EXPECT_THAT(Query("SHOW TAG KEYS FROM \"shard\""),
              HasSubstr("[[\"database\"],[\"engine\"],[\"hostname\"],[\"id\"],[\"path\"],"
                        "[\"retentionPolicy\"],[\"walPath\"]]"));
  EXPECT_THAT(
      QueryUntil("SELECT last(numSeries) FROM \"database\" WHERE \"database\" = 'd'", ",2]"),
      HasSubstr(",2]"));
  const std::string fields = Query("SHOW FIELD KEYS");
  EXPECT_THAT(fields, HasSubstr("[\"queryReqDurationNs\",\"integer\"]"));
  for (const char* type : {"\"float\"", "\"string\"", "\"boolean\""}) {
    EXPECT_THAT(fields, Not(HasSubstr(type)));
  }
  // Aligned to the interval.
  EXPECT_THAT(Query("SELECT first(req) FROM httpd"), HasSubstr("000000000,"));
  EXPECT_EQ(varved_->Stop(), 0);
  EXPECT_THAT(Log(), Not(HasSubstr("_internal")));
}

TEST_F(MonitoringTest, ShowStatsAndDiagnosticsAnswer) {
  Start("[monitor]\nstore-enabled = true\n[http]\nshared-secret = \"hush\"\n");
  EXPECT_THAT(Query("SHOW STATS"),
              HasSubstr("{\"name\":\"httpd\",\"tags\":{\"bind\":\"127.0.0.1:"));
  const std::string one = Query("SHOW STATS FOR 'runtime'");
  EXPECT_THAT(one, HasSubstr("{\"name\":\"runtime\",\"columns\":[\"Alloc\",\"HeapAlloc\","));
  EXPECT_THAT(one, Not(HasSubstr("httpd")));
  EXPECT_EQ(Query("SHOW STATS FOR 'nosuch'"), "{\"results\":[{\"statement_id\":0}]}\n");
  const std::string diagnostics = Query("SHOW DIAGNOSTICS");
  for (const char* module : {"build", "config", "config-coordinator", "config-cqs", "config-data",
                             "config-httpd", "config-meta", "config-monitor", "config-retention",
                             "network", "retention", "runtime", "system"}) {
    EXPECT_THAT(diagnostics, HasSubstr(base::StrCat("{\"name\":\"", module, "\"")));
  }
  EXPECT_THAT(diagnostics, Not(HasSubstr("hush")));
  EXPECT_THAT(Query("SHOW DIAGNOSTICS FOR 'config-monitor'"),
              HasSubstr("\"columns\":[\"store-enabled\",\"store-database\",\"store-interval\"],"
                        "\"values\":[[\"true\",\"_internal\",\"10s\"]]"));
}

TEST_F(MonitoringTest, ADatabaseMustBeNamed) {
  std::string output;
  setenv("VARVE_MONITOR_STORE_ENABLED", "true", 1);
  setenv("VARVE_MONITOR_STORE_DATABASE", "", 1);
  EXPECT_EQ(RunProgram({VarvedPath(), "--data-dir", root_, "--http-bind-address", "127.0.0.1:0"},
                       &output),
            1);
  unsetenv("VARVE_MONITOR_STORE_ENABLED");
  unsetenv("VARVE_MONITOR_STORE_DATABASE");
  EXPECT_THAT(output, HasSubstr("monitor.store-database: a database must be named"));
}

}  // namespace
}  // namespace varve::server
