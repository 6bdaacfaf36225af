// Queries that begin on the network thread, and leave it when they turn out to be long.
#include "http/network_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/http/server_fixture.h"

namespace varve::http {
namespace {

using ::testing::HasSubstr;

constexpr char kRows[] = "\"values\":[[\"1970-01-01T00:00:00Z\",1.5],";

// One network thread, so that whoever held it would hold up everybody.
class NetworkLoopTest : public ServerFixture {
 protected:
  void Start() {
    options_.threads = 1;
    StartServer();
    ASSERT_NE(server_, nullptr);
  }
  std::string Ask(const std::string& text) {
    httplib::Client client("127.0.0.1", server_->port());
    const auto answer = client.Get("/query?q=" + text);
    return answer ? answer->body : httplib::to_string(answer.error());
  }
  static std::string Request(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
};

TEST_F(NetworkLoopTest, ShortQueriesNeedNoOtherThread) {
  std::vector<std::thread::id> ran_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    EXPECT_NE(request.thread, nullptr);
    ran_on.push_back(std::this_thread::get_id());
    request.thread->GoesOn();
    return SendRows(sink, 2);
  };
  Start();
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Ask("x"), HasSubstr(kRows));
  EXPECT_EQ(ran_on, std::vector<std::thread::id>(20, ran_on.front()));
}

TEST_F(NetworkLoopTest, LongQueriesHoldUpNobody) {
  absl::Notification go_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    while (request.text == "long" && !go_on.HasBeenNotified()) GoOn(request);
    return SendRows(sink, 2);
  };
  Start();
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(std::make_unique<RawClient>(server_->port()));
    waiting.back()->Send(Request("/query?q=long"));
    EXPECT_THAT(Ask("short"), HasSubstr(kRows));
  }
  go_on.Notify();
  for (const auto& client : waiting) {
    EXPECT_THAT(client->ReadUntil("]}\n"), HasSubstr(kRows));
    // The connection goes on.
    client->Send(Request("/query?q=short"));
    EXPECT_THAT(client->ReadUntil("]}\n"), HasSubstr(kRows));
  }
}

TEST_F(NetworkLoopTest, WhoWaitsGivesTheThreadBackFirst) {
  absl::Notification go_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    if (request.text == "waits") {
      request.thread->GiveBack();
      go_on.WaitForNotification();
      request.thread->GiveBack();  // of no effect
    }
    return SendRows(sink, 2);
  };
  Start();
  RawClient waiting(server_->port());
  waiting.Send(Request("/query?q=waits"));
  EXPECT_THAT(Ask("x"), HasSubstr(kRows));
  go_on.Notify();
  EXPECT_THAT(waiting.ReadUntil("]}\n"), HasSubstr(kRows));
}

// What was made before the query turned out to be long is not kept until it ends.
TEST_F(NetworkLoopTest, ChunksAreSentWhileTheQueryGoesOn) {
  absl::Notification go_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) -> absl::Status {
    RETURN_IF_ERROR(SendRows(sink, 2));
    while (!go_on.HasBeenNotified()) GoOn(request);
    return SendRows(sink, 2);
  };
  Start();
  RawClient client(server_->port());
  client.Send(Request("/query?chunked=true&q=x"));
  EXPECT_THAT(client.ReadUntil("]}\n"), HasSubstr(kRows));
  go_on.Notify();
  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), HasSubstr(kRows));
}

TEST_F(NetworkLoopTest, ALongQueryEndsWithTheServer) {
  absl::Notification begun;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink&) -> absl::Status {
    begun.Notify();
    while (!request.cancelled->load()) GoOn(request);
    return base::Cancelled("query interrupted");
  };
  Start();
  RawClient client(server_->port());
  client.Send(Request("/query?q=long"));
  begun.WaitForNotification();
  server_->Stop(0);
  threads_.reset();
}

TEST_F(NetworkLoopTest, QueriesBeyondTheBoundWait) {
  absl::Notification go_on;
  std::atomic<size_t> running{0};
  std::atomic<size_t> most{0};
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    most = std::max(most.load(), ++running);
    while (!go_on.HasBeenNotified()) GoOn(request);
    --running;
    return SendRows(sink, 2);
  };
  Start();
  constexpr size_t kPlaces = 16;  // of the fixture's threads
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < kPlaces + 8; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send(Request("/query?q=long"));
  }
  while (running.load() < kPlaces) std::this_thread::yield();
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get("/ping")->status, 204);
  go_on.Notify();
  for (const auto& each : clients) EXPECT_THAT(each->ReadUntil("]}\n"), HasSubstr(kRows));
  EXPECT_LE(most.load(), kPlaces);
}

}  // namespace
}  // namespace varve::http
