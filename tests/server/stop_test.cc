// How the real program ends: soon, and with all that it acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "tests/http/fakes.h"
#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

using http::RawClient;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Twenty million windows: more than fits between server and client, and seconds of work.
constexpr char kLong[] =
    "SELECT%20mean(v)%20FROM%20m%20WHERE%20time%3E%3D0%20AND%20time%3C20000s%20"
    "GROUP%20BY%20time(1ms)%20fill(0)";

class StopTest : public ::testing::Test {
 protected:
  std::string folder() const { return root_ + "/data"; }
  std::vector<std::string> ShutdownTimeout(const std::string& text) const {
    std::ofstream(root_ + "/varve.conf") << "[http]\nshutdown-timeout = \"" << text << "\"\n";
    return {"--config", root_ + "/varve.conf"};
  }
  static void Prepare(const VarvedProcess& varved) {
    EXPECT_THAT(Query(varved, "CREATE DATABASE d"), HasSubstr("statement_id"));
    httplib::Client client("127.0.0.1", varved.port());
    const auto written = client.Post("/write?db=d", "m v=1 1\nm v=2 2", "text/plain");
    ASSERT_TRUE(written);
    EXPECT_EQ(written->status, 204);
  }
  static std::string Query(const VarvedProcess& varved, const std::string& text) {
    httplib::Client client("127.0.0.1", varved.port());
    const auto answer = client.Post("/query", httplib::Params{{"db", "d"}, {"q", text}});
    return answer ? answer->body : "no answer";
  }
  std::string Log() const {
    std::stringstream log;
    log << std::ifstream(folder() + ".log").rdbuf();
    return log.str();
  }
  // Whether the log says it within ten seconds.
  bool LogComesToHave(const std::string& text) const {
    for (int i = 0; i < 1000; ++i) {
      if (Log().find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  const TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
};

// Exit code 0: all was closed in order, and nothing had to be broken off.
TEST_F(StopTest, AClientThatNeverReadsIsCutOff) {
  VarvedProcess varved(folder(), ShutdownTimeout("2s"));
  Prepare(varved);
  RawClient client(static_cast<uint16_t>(varved.port()));
  client.Send(
      base::StrCat("GET /query?db=d&chunked=true&q=", kLong, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("mean"), HasSubstr("200 OK"));
  EXPECT_EQ(varved.Stop(), 0);
}

TEST_F(StopTest, AQueryThatNobodyWaitsForIsCutOff) {
  VarvedProcess varved(folder(), ShutdownTimeout("1h"));
  Prepare(varved);
  httplib::Client client("127.0.0.1", varved.port());
  std::string minutes_of_work;
  for (int i = 0; i < 100; ++i) base::StrAppend(minutes_of_work, kLong, "%3B");
  const auto answer = client.Post(base::StrCat("/query?db=d&async=true&q=", minutes_of_work));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_THAT(Query(varved, "SHOW QUERIES"), HasSubstr("fill(0)"));
  EXPECT_EQ(varved.Stop(), 0);
}

TEST_F(StopTest, AContinuousQueryIsCutOff) {
  VarvedProcess varved(folder(), ShutdownTimeout("1h"));
  Prepare(varved);
  httplib::Client client("127.0.0.1", varved.port());
  EXPECT_EQ(client.Post("/write?db=d", "m v=1", "text/plain")->status, 204);
  Query(varved,
        "CREATE CONTINUOUS QUERY c ON d RESAMPLE EVERY 1s FOR 20000s BEGIN SELECT count(v) INTO s "
        "FROM m GROUP BY time(1ms) fill(0) END");
  std::string running;
  for (int i = 0; i < 1000 && running.find("INTO") == std::string::npos; ++i) {
    running = Query(varved, "SHOW QUERIES");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(running, HasSubstr("INTO"));
  EXPECT_EQ(varved.Stop(), 0);
  EXPECT_THAT(Log(), Not(ContainsRegex("finished continuous query.* written=[1-9]")));
}

TEST_F(StopTest, ASecondSignalEndsItAtOnce) {
  VarvedProcess varved(folder(), ShutdownTimeout("1h"));
  Prepare(varved);
  RawClient client(static_cast<uint16_t>(varved.port()));
  client.Send(
      base::StrCat("GET /query?db=d&chunked=true&q=", kLong, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("mean"), HasSubstr("200 OK"));
  varved.Signal(SIGTERM);
  EXPECT_TRUE(LogComesToHave("msg=\"stopping\""));
  varved.Signal(SIGTERM);
  EXPECT_EQ(varved.Wait(), 1);
  VarvedProcess again(folder());
  EXPECT_THAT(Query(again, "SELECT count(v) FROM m"), HasSubstr(",2]]"));
}

TEST_F(StopTest, WhatWasAcknowledgedWhileStoppingIsThere) {
  std::atomic<uint64_t> acknowledged{0};
  {
    VarvedProcess varved(folder());
    Prepare(varved);
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        httplib::Client client("127.0.0.1", varved.port());
        client.set_keep_alive(true);
        for (int i = 0;; ++i) {
          const auto answer =
              client.Post("/write?db=d", base::StrCat("n,w=", writer, " v=", i, " ", i), "");
          if (!answer || answer->status != 204) return;
          acknowledged.fetch_add(1);
        }
      });
    }
    while (acknowledged.load() < 200) std::this_thread::yield();
    EXPECT_EQ(varved.Stop(), 0);
    for (std::thread& writer : writers) writer.join();
  }
  VarvedProcess again(folder());
  const std::string answer = Query(again, "SELECT count(v) FROM n");
  const size_t at = answer.rfind(',');
  ASSERT_NE(at, std::string::npos) << answer;
  EXPECT_GE(std::stoull(answer.substr(at + 1)), acknowledged.load());
}

}  // namespace
}  // namespace varve::server
