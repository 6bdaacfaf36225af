#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/synchronization/notification.h"
#include "base/strings.h"
#include "http/gzip.h"
#include "http/version.h"
#include "tests/http/server_fixture.h"

namespace varve::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ServerTest : public ServerFixture {
 protected:
  void Start() {
    StartServer();
    ASSERT_NE(server_, nullptr);
    client_.emplace("127.0.0.1", server_->port());
  }

  std::optional<httplib::Client> client_;
};

constexpr char kTwoRows[] =
    "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"time\",\"v\"],"
    "\"values\":[[\"1970-01-01T00:00:00Z\",1.5],[\"1970-01-01T00:00:00.000000001Z\",1.5]]}]}]}\n";

TEST_F(ServerTest, PingHasTheHeadersOfInfluxDb) {
  Start();
  const auto answer = client_->Get("/ping", {{"X-Request-Id", "mine"}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->get_header_value("X-Influxdb-Version"), kInfluxVersion);
  EXPECT_EQ(answer->get_header_value("X-Influxdb-Build"), "OSS");
  EXPECT_EQ(answer->get_header_value("Request-Id"), "mine");
  EXPECT_EQ(answer->get_header_value("X-Request-Id"), "mine");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
  EXPECT_FALSE(answer->has_header("Access-Control-Allow-Origin"));
  EXPECT_EQ(client_->Get("/ping?verbose=true")->body,
            base::StrCat("{\"version\":\"", kInfluxVersion, "\"}\n"));
  EXPECT_EQ(client_->Get("/health")->status, 200);
}

TEST_F(ServerTest, UnknownPathsAndMethodsAreAnsweredAsTheRouterDoes) {
  Start();
  const auto missing = client_->Get("/nosuch");
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, "404 page not found\n");
  EXPECT_EQ(missing->get_header_value("Content-Type"), "text/plain; charset=utf-8");
  const auto put = client_->Put("/query", "", "text/plain");
  EXPECT_EQ(put->status, 405);
  EXPECT_EQ(put->body, "Method Not Allowed\n");
  EXPECT_EQ(put->get_header_value("Allow"), "GET, POST, OPTIONS");
}

TEST_F(ServerTest, CorsFollowsTheOrigin) {
  Start();
  const auto answer = client_->Options("/write", {{"Origin", "http://example.com"}});
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Access-Control-Allow-Origin"), "http://example.com");
  EXPECT_EQ(answer->get_header_value("Access-Control-Allow-Methods"),
            "DELETE, GET, OPTIONS, POST, PUT");
  EXPECT_EQ(answer->get_header_value("Access-Control-Allow-Headers"),
            "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, "
            "X-CSRF-Token, X-HTTP-Method-Override");
  const auto v2 = client_->Options("/api/v2/write", {{"Origin", "http://example.com"}});
  EXPECT_EQ(v2->get_header_value("Access-Control-Allow-Methods"),
            "DELETE, GET, OPTIONS, POST, PUT, PATCH");
  EXPECT_EQ(v2->get_header_value("Access-Control-Allow-Headers"),
            "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, User-Agent, "
            "X-CSRF-Token, X-HTTP-Method-Override");
  EXPECT_EQ(answer->get_header_value("Access-Control-Expose-Headers"),
            "Date, X-InfluxDB-Version, X-InfluxDB-Build");
  for (const char* path : {"/query", "/health", "/api/v2/write", "/api/v2/query"}) {
    const auto empty = client_->Options(path);
    EXPECT_EQ(empty->status, 200) << path;
    EXPECT_EQ(empty->body, "") << path;
    EXPECT_FALSE(empty->has_header("Access-Control-Allow-Origin")) << path;
  }
}

TEST_F(ServerTest, WritesReachTheStoreAndAreAnswered) {
  Start();
  const auto answer = client_->Post("/write?db=d&precision=s", "m v=1 10", "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(store_->bodies(), std::vector<std::string>{"m v=1 10"});
  EXPECT_EQ(store_->precision(), model::Precision::kS);
  EXPECT_EQ(client_->Post("/write?db=nosuch", "m v=1", "")->status, 404);
}

TEST_F(ServerTest, WriteErrorsHaveTheirStatusAndHeader) {
  store_->result.status = base::InvalidArgument("unable to parse 'a': b\nunable to parse 'c': d");
  Start();
  auto answer = client_->Post("/write?db=d", "a", "");
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body, "{\"error\":\"unable to parse 'a': b\\nunable to parse 'c': d\"}\n");
  EXPECT_EQ(answer->get_header_value("X-Influxdb-Error"),
            "unable to parse 'a': b unable to parse 'c': d");
  store_->result.status = base::NotFound("retention policy not found: x");
  EXPECT_EQ(client_->Post("/write?db=d&rp=x", "a", "")->status, 500);
  store_->result.status = base::Unavailable("cache is full");
  answer = client_->Post("/write?db=d", "a", "");
  EXPECT_EQ(answer->status, 503);
  EXPECT_TRUE(answer->has_header("Retry-After"));
  EXPECT_EQ(client_->Post("/write", "a", "")->body, "{\"error\":\"database is required\"}\n");
  EXPECT_EQ(client_->Post("/write?db=d&precision=x", "a", "")->body,
            "{\"error\":\"invalid precision \\\"x\\\" (use n, u, ms, s, m or h)\"}\n");
  EXPECT_EQ(client_->Post("/write?db=d&consistency=x", "a", "")->body,
            "{\"error\":\"invalid consistency level\"}\n");
}

TEST_F(ServerTest, BodiesMayBeChunkedAndPacked) {
  Start();
  class StringSink : public ByteSink {
   public:
    absl::Status Write(std::string_view bytes, bool) override {
      text.append(bytes);
      return absl::OkStatus();
    }
    std::string text;
  } packed;
  GzipSink gzip(packed);
  ASSERT_TRUE(gzip.Write("m v=2 20", false).ok());
  ASSERT_TRUE(gzip.Finish().ok());
  RawClient raw(server_->port());
  raw.Send(
      "POST /write?db=d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
      "Content-Encoding: gzip\r\n\r\n");
  for (const char c : packed.text) raw.Send(base::StrCat("1\r\n", std::string(1, c), "\r\n"));
  raw.Send("0\r\n\r\n");
  EXPECT_THAT(raw.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
  EXPECT_EQ(store_->bodies(), std::vector<std::string>{"m v=2 20"});
  const auto bad = client_->Post("/write?db=d", {{"Content-Encoding", "gzip"}}, "plain text", "");
  EXPECT_EQ(bad->status, 400);
  EXPECT_EQ(bad->body, "{\"error\":\"gzip: invalid header\"}\n");
}

TEST_F(ServerTest, ContinuesWhoExpectsIt) {
  Start();
  RawClient raw(server_->port());
  raw.Send(
      "POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(raw.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.Send("m v=1 1");
  EXPECT_THAT(raw.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
}

TEST_F(ServerTest, LongBodiesAreRefusedBeforeTheyAreRead) {
  Start();
  const auto answer = client_->Post("/write?db=d", std::string(300'000, 'x'), "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "{\"error\":\"Request Entity Too Large\"}\n");
  RawClient chunked(server_->port());
  chunked.Send("POST /write?db=d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 200; ++i) chunked.Send("400\r\n" + std::string(1024, 'x') + "\r\n");
  EXPECT_THAT(chunked.ReadAll(), HasSubstr("413 Request Entity Too Large"));
  EXPECT_TRUE(store_->bodies().empty());
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient raw(server_->port());
  raw.Send(
      "GET /ping HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\n\r\n"
      "GET /query?q=SHOW+x HTTP/1.1\r\nHost: x\r\nX-Request-Id: two\r\n\r\n"
      "GET /ping HTTP/1.1\r\nHost: x\r\nX-Request-Id: three\r\nConnection: close\r\n\r\n");
  const std::string all = raw.ReadAll();
  const size_t one = all.find("Request-Id: one");
  const size_t two = all.find("Request-Id: two");
  const size_t three = all.find("Request-Id: three");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
}

TEST_F(ServerTest, OldClientsGetTheirVersion) {
  executor_.run = [](const query::QueryRequest&, query::ResultSink& sink) {
    return SendRows(sink, 20000);
  };
  Start();
  RawClient raw(server_->port());
  raw.Send("GET /query?q=x HTTP/1.0\r\n\r\n");
  const std::string all = raw.ReadAll();
  EXPECT_EQ(all.substr(0, 15), "HTTP/1.0 200 OK");
  EXPECT_THAT(all, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_EQ(all.substr(all.size() - 7), "]}]}]}\n");
}

TEST_F(ServerTest, NonsenseIsABadRequest) {
  Start();
  RawClient raw(server_->port());
  raw.Send("what is this\r\n\r\n");
  EXPECT_THAT(raw.ReadAll(), HasSubstr("400 Bad Request"));
}

TEST_F(ServerTest, ShortAnswersHaveALengthAndLongOnesComeInPieces) {
  Start();
  auto answer = client_->Get("/query?q=x");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, kTwoRows);
  EXPECT_EQ(answer->get_header_value("Content-Length"), base::StrCat(sizeof(kTwoRows) - 1));
  executor_.run = [](const query::QueryRequest&, query::ResultSink& sink) {
    return SendRows(sink, 100'000);
  };
  answer = client_->Get("/query?q=x&epoch=ns");
  EXPECT_EQ(answer->get_header_value("Transfer-Encoding"), "chunked");
  EXPECT_THAT(answer->body, HasSubstr(",[99999,1.5]]}]}]}\n"));
  EXPECT_EQ(std::count(answer->body.begin(), answer->body.end(), '['), 100'000 + 4);
}

TEST_F(ServerTest, AnswersArePackedForWhoTakesThat) {
  Start();
  client_->set_decompress(false);
  const auto answer = client_->Get("/query?q=x", {{"Accept-Encoding", "deflate, gzip"}});
  EXPECT_EQ(answer->get_header_value("Content-Encoding"), "gzip");
  EXPECT_EQ(Gunzip(answer->body, 10000).value(), kTwoRows);
}

TEST_F(ServerTest, QueryParametersReachTheExecutor) {
  query::QueryRequest seen;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    seen = request;
    return SendRows(sink, 1);
  };
  Start();
  client_->Post("/query?db=d&rp=r&params=%7B%22a%22%3A1%7D", "q=+SELECT+1+",
                "application/x-www-form-urlencoded");
  EXPECT_EQ(seen.text, "SELECT 1");
  EXPECT_EQ(seen.database, "d");
  EXPECT_EQ(seen.retention_policy, "r");
  EXPECT_FALSE(seen.read_only);
  EXPECT_EQ(seen.principal, nullptr);
  EXPECT_EQ(seen.client, "127.0.0.1");
  EXPECT_EQ(seen.parameters.size(), 1u);
  client_->Get("/query?q=x");
  EXPECT_TRUE(seen.read_only);
}

TEST_F(ServerTest, QueryErrorsComeInTheFormAskedFor) {
  executor_.run = [](const query::QueryRequest&, query::ResultSink&) -> absl::Status {
    return base::InvalidArgument("found EOF, expected \"x\" at line 1, char 8");
  };
  Start();
  auto answer = client_->Get("/query?q=SELECT");
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(
      answer->body,
      "{\"error\":\"error parsing query: found EOF, expected \\\"x\\\" at line 1, char 8\"}\n");
  EXPECT_EQ(answer->get_header_value("X-Influxdb-Error"),
            "error parsing query: found EOF, expected \"x\" at line 1, char 8");
  answer = client_->Get("/query?q=SELECT", {{"Accept", "application/csv"}});
  EXPECT_EQ(answer->body,
            "error\n\"error parsing query: found EOF, expected \"\"x\"\" at line 1, char 8\"\n");
  EXPECT_EQ(client_->Get("/query")->body, "{\"error\":\"missing required parameter \\\"q\\\"\"}\n");
  const auto format = client_->Get("/query?q=SELECT&time_format=iso");
  EXPECT_EQ(format->status, 400);
  EXPECT_EQ(format->body,
            "{\"error\":\"invalid time_format \\\"iso\\\" (use epoch or rfc3339)\"}\n");
  EXPECT_EQ(client_->Post("/query?async=true&q=x")->status, 400);
}

TEST_F(ServerTest, AsyncIsAnsweredAtOnce) {
  std::atomic<bool> finished{false};
  executor_.run = [&](const query::QueryRequest&, query::ResultSink& sink) {
    const absl::Status status = SendRows(sink, 10);
    finished = true;
    return status;
  };
  Start();
  EXPECT_EQ(client_->Post("/query?async=true&q=x")->status, 204);
  server_->Stop(1000);
  threads_.reset();
  EXPECT_TRUE(finished);
}

TEST_F(ServerTest, AClientThatGoesAwayCancelsItsQuery) {
  absl::Notification begun;
  absl::Notification cancelled;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink&) -> absl::Status {
    begun.Notify();
    while (!request.cancelled->load()) GoOn(request);
    cancelled.Notify();
    return base::Cancelled("query killed");
  };
  Start();
  RawClient raw(server_->port());
  raw.Send("GET /query?q=x HTTP/1.1\r\nHost: x\r\n\r\n");
  begun.WaitForNotification();
  raw.Close();
  EXPECT_TRUE(cancelled.WaitForNotificationWithTimeout(absl::Seconds(10)));
}

TEST_F(ServerTest, ASlowReaderHoldsBackItsOwnQueryOnly) {
  std::atomic<size_t> sent{0};
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) -> absl::Status {
    if (request.text == "small") return SendRows(sink, 2);
    query::SeriesHeader header{"m", {}, {"v"}, ""};
    RETURN_IF_ERROR(sink.BeginStatement(0));
    for (bool first = true;; first = false) {
      query::RowBatch batch;
      batch.header = &header;
      batch.new_series = first;
      batch.rows = 1000;
      batch.cells.assign(1000, query::Cell::Integer(1'000'000'000'000));
      RETURN_IF_ERROR(sink.Rows(batch));
      sent += 16 * 1000;
    }
  };
  Start();
  RawClient slow(server_->port());
  slow.Send("GET /query?q=endless HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client_->Get("/query?q=small")->body, kTwoRows);
  // Its own buffers and the system's; not what the query could make in that time.
  EXPECT_LT(sent.load(), size_t{64} << 20);
  // The query counts until it is cut off.
  server_->Stop(0);
  threads_.reset();
}

// The client takes nothing, so the query waits; killed, it must not go on waiting.
TEST_F(ServerTest, AQueryThatIsOverDoesNotWaitForASlowReader) {
  std::atomic<bool> killed{false};
  std::atomic<size_t> sent{0};
  absl::Notification ended;
  const auto interrupted = [&killed] {
    return killed.load() ? base::Cancelled("query interrupted") : absl::OkStatus();
  };
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) -> absl::Status {
    request.on_begin(interrupted);
    query::SeriesHeader header{"m", {}, {"v"}, ""};
    absl::Status status = sink.BeginStatement(0);
    for (bool first = true; status.ok(); first = false) {
      query::RowBatch batch;
      batch.header = &header;
      batch.new_series = first;
      batch.rows = 1000;
      batch.cells.assign(1000, query::Cell::Integer(1'000'000'000'000));
      status = sink.Rows(batch);
      ++sent;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    ended.Notify();
    return status;
  };
  Start();
  RawClient slow(server_->port());
  slow.Send("GET /query?q=endless HTTP/1.1\r\nHost: x\r\n\r\n");
  // Until it stands still: the buffers are full.
  for (size_t before = 1; before != sent.load();) {
    before = sent.load();
    EXPECT_FALSE(ended.WaitForNotificationWithTimeout(absl::Milliseconds(300)));
  }
  killed = true;
  EXPECT_TRUE(ended.WaitForNotificationWithTimeout(absl::Seconds(10)));
  // What had been queued arrives, and then the answer is cut off.
  EXPECT_THAT(slow.ReadAll(), Not(HasSubstr("\r\n0\r\n\r\n")));
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreClosed) {
  options_.max_connections = 1;
  Start();
  RawClient first(server_->port());
  first.Send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.ReadUntil("\r\n\r\n"), HasSubstr("204"));
  RawClient second(server_->port());
  second.Send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(second.ReadAll(), "");
}

TEST_F(ServerTest, AuthenticationAsksForAUser) {
  options_.auth_enabled = true;
  Start();
  // No admin yet: only making one is allowed.
  auto answer = client_->Get("/query?q=SHOW+DATABASES");
  EXPECT_EQ(answer->status, 403);
  EXPECT_THAT(answer->body, HasSubstr("create admin user first or disable authentication"));
  EXPECT_EQ(
      client_->Get("/query?q=CREATE%20USER%20a%20WITH%20PASSWORD%20'b'%20WITH%20ALL%20PRIVILEGES")
          ->status,
      200);
  ASSERT_TRUE(catalog_->CreateUser("ada", "secret", true).ok());
  ASSERT_TRUE(catalog_->CreateUser("bob", "pw", false).ok());

  answer = client_->Get("/query?q=x");
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->body, "{\"error\":\"unable to parse authentication credentials\"}\n");
  EXPECT_EQ(answer->get_header_value("WWW-Authenticate"), "Basic realm=\"InfluxDB\"");
  EXPECT_FALSE(answer->has_header("X-Influxdb-Error"));
  EXPECT_EQ(client_->Get("/query?q=x&u=ada&p=secret")->status, 200);
  EXPECT_EQ(client_->Get("/query?q=x&u=ada&p=wrong")->body,
            "{\"error\":\"authorization failed\"}\n");
  EXPECT_EQ(client_->Get("/query?q=x", {{"Authorization", "Token ada:secret"}})->status, 200);
  EXPECT_EQ(client_->Get("/query?q=x", {{"Authorization", "Bearer x"}})->body,
            "{\"error\":\"bearer auth disabled\"}\n");
  client_->set_basic_auth("bob", "pw");
  answer = client_->Post("/write?db=d", "m v=1", "");
  EXPECT_EQ(answer->status, 403);
  EXPECT_EQ(answer->body,
            "{\"error\":\"\\\"bob\\\" user is not authorized to write to database \\\"d\\\"\"}\n");
  ASSERT_TRUE(catalog_->SetPrivilege("bob", "d", meta::Privilege::kWrite).ok());
  EXPECT_EQ(client_->Post("/write?db=d", "m v=1", "")->status, 204);
  EXPECT_EQ(client_->Get("/ping")->status, 204);
}

TEST_F(ServerTest, MetricsCountWhatHappened) {
  store_->result.points_written = 3;
  const auto target = catalog_->FindTarget("d", "");
  store_->shard = catalog_->RouteShard(*target, 0)->shard;
  Start();
  client_->Post("/write?db=d", "m v=1", "");
  client_->Get("/query?q=x");
  client_->Get("/nosuch");
  // A query is counted when its answer has gone.
  auto metrics = client_->Get("/metrics");
  while (metrics &&
         metrics->body.find("varve_query_duration_seconds_count 1\n") == std::string::npos) {
    metrics = client_->Get("/metrics");
  }
  ASSERT_TRUE(metrics);
  EXPECT_THAT(metrics->body, HasSubstr("\nvarve_http_points_written_total 3\n"));
  EXPECT_THAT(metrics->body, HasSubstr("\nvarve_http_client_errors_total 1\n"));
  EXPECT_THAT(metrics->body, HasSubstr("\n# TYPE varve_http_answers_total counter\n"
                                       "varve_http_answers_total{code=\"200\"}"));
  EXPECT_THAT(metrics->body, HasSubstr("\nvarve_http_answers_total{code=\"404\"} 1\n"));
  EXPECT_THAT(metrics->body, HasSubstr(base::StrCat("\nvarve_shard_series{database=\"d\",shard=\"",
                                                    store_->shard, "\",policy=\"autogen\"} 7\n")));
  EXPECT_THAT(metrics->body, HasSubstr("\nvarve_write_duration_seconds_bucket{le=\"+Inf\"} 1\n"));
  const auto vars = client_->Get("/debug/vars");
  EXPECT_EQ(vars->get_header_value("Content-Type"), "application/json; charset=utf-8");
  EXPECT_THAT(vars->body, HasSubstr("\"pointsWrittenOK\":3"));
  EXPECT_THAT(vars->body, HasSubstr("{\n\"system\": {\"currentTime\":\""));
  EXPECT_THAT(vars->body, HasSubstr(",\n\"cmdline\": [\"varved\"],\n\"build\": {\"Branch\":"));
  EXPECT_THAT(vars->body, HasSubstr("{\"name\":\"httpd\",\"tags\":{\"bind\":\""));
  EXPECT_THAT(vars->body, HasSubstr(base::StrCat("\"httpd:127.0.0.1:", server_->port(), "\": ")));
  EXPECT_THAT(vars->body, HasSubstr(base::StrCat("\"shard::", store_->shard, "\": ")));
}

TEST_F(ServerTest, HealthTellsWhatIsWrong) {
  const auto health = [this] {
    const auto answer = client_->Get("/health");
    return base::StrCat(answer->status, " ", answer->body);
  };
  const std::string end = base::StrCat("\"name\":\"influxdb\",\"status\":\"pass\",\"version\":\"",
                                       kInfluxVersion, "\"}");
  Start();
  EXPECT_EQ(health(), "200 {\"checks\":[],\"message\":\"ready for queries and writes\"," + end);

  store_->status.last_background_error = base::Unavailable("short of \"luck\"");
  EXPECT_EQ(health(),
            "200 {\"checks\":[{\"name\":\"storage\",\"status\":\"warn\",\"message\":\"a flush or a "
            "merge of files failed: short of \\\"luck\\\"\"}],\"message\":\"ready for queries and "
            "writes, but see checks\"," +
                end);

  store_->status.damage = {absl::DataLossError("bad block: file=x")};
  EXPECT_EQ(health(),
            "200 {\"checks\":[{\"name\":\"data\",\"status\":\"fail\",\"message\":\"bad block: "
            "file=x\"}],\"message\":\"ready, but some data is damaged: see checks\"," +
                end);

  store_->status.cache_full = true;
  store_->status.cache_bytes = 5;
  store_->status.cache_bytes_max = 6;
  EXPECT_THAT(health(), HasSubstr("503 {\"checks\":[{\"name\":\"cache\",\"status\":\"fail\","
                                  "\"message\":\"cache full (5 of 6 bytes) and its flush is "
                                  "behind\"},{\"name\":\"data\""));
  store_->status.disk_health = base::Unavailable("no space left on device");
  EXPECT_THAT(health(), HasSubstr("503 {\"checks\":[{\"name\":\"disk\",\"status\":\"fail\""));
  store_->status.log_health = base::Unavailable("fdatasync failed");
  EXPECT_THAT(health(), HasSubstr("\"message\":\"write-ahead log is sealed: fdatasync failed\","
                                  "\"name\":\"influxdb\",\"status\":\"fail\""));
}

TEST_F(ServerTest, StopLetsAnAnswerFinish) {
  absl::Notification begun;
  absl::Notification go_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    begun.Notify();
    while (!go_on.HasBeenNotified()) GoOn(request);
    return SendRows(sink, 2);
  };
  Start();
  RawClient raw(server_->port());
  raw.Send("GET /query?q=x HTTP/1.1\r\nHost: x\r\n\r\n");
  begun.WaitForNotification();
  std::thread stopper([&] { server_->Stop(10'000); });
  go_on.Notify();
  EXPECT_THAT(raw.ReadAll(), HasSubstr(kTwoRows));
  stopper.join();
}

TEST_F(ServerTest, APortInUseIsNamed) {
  Start();
  options_.port = server_->port();
  Services services;
  services.metrics = &metrics_;
  services.options = options_;
  const auto second = Server::Start(services);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(base::MessageOf(second.status())),
              HasSubstr(base::StrCat("cannot listen on 127.0.0.1:", options_.port)));
}

}  // namespace
}  // namespace varve::http
