#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "base/strings.h"
#include "tests/http/fakes.h"
#include "tests/http/server_fixture.h"
#include "tests/http/tls_client.h"

namespace varve::http {
namespace {

using ::testing::HasSubstr;

class TlsTest : public ServerFixture {
 protected:
  TlsTest() {
    tls_.certificate = File("server.crt", own_.certificate);
    tls_.private_key = File("server.key", own_.key);
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  static absl::StatusOr<std::shared_ptr<const TlsContext>> Load(const TlsOptions& options) {
    return TlsContext::Load(base::Env::Default(), options);
  }
  static std::string LoadError(const TlsOptions& options) {
    const auto context = Load(options);
    EXPECT_EQ(context.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(base::MessageOf(context.status()));
  }

  void Start() {
    auto tls = Load(tls_);
    ASSERT_TRUE(tls.ok()) << tls.status();
    StartServer(*std::move(tls));
  }

  // Blocks until cancelled, and says so.
  void RunUntilCancelled() {
    executor_.run = [this](const query::QueryRequest& request, query::ResultSink&) -> absl::Status {
      begun_.Notify();
      while (!request.cancelled->load()) GoOn(request);
      cancelled_.Notify();
      return base::Cancelled("query killed");
    };
  }

  const TestCertificate own_ = MakeCertificate("first");
  TlsOptions tls_;
  absl::Notification begun_;
  absl::Notification cancelled_;
};

constexpr char kPing[] = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr char kQuery[] = "GET /query?q=x HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(TlsTest, WritesAndQueriesAreAnswered) {
  Start();
  httplib::SSLClient client("127.0.0.1", server_->port());
  client.set_ca_cert_path(tls_.certificate.c_str());
  client.set_keep_alive(true);
  std::string lines;
  while (lines.size() < 90'000) lines += "m,host=a value=1.5 1000000000\n";
  for (int round = 0; round < 3; ++round) {
    const auto written = client.Post("/write?db=d", lines, "text/plain");
    ASSERT_TRUE(written) << httplib::to_string(written.error());
    EXPECT_EQ(written->status, 204);
    const auto answer = client.Get("/query?q=x");
    ASSERT_TRUE(answer) << httplib::to_string(answer.error());
    EXPECT_THAT(answer->body, HasSubstr("[\"1970-01-01T00:00:00.000000001Z\",1.5]"));
  }
  EXPECT_EQ(store_->bodies(), std::vector<std::string>(3, lines));
  EXPECT_EQ(metrics_.connections_total.load(), 1u);
}

TEST_F(TlsTest, LongAnswersComeWhole) {
  executor_.run = [](const query::QueryRequest&, query::ResultSink& sink) {
    return SendRows(sink, 100'000);
  };
  Start();
  httplib::SSLClient client("127.0.0.1", server_->port());
  client.enable_server_certificate_verification(false);
  client.set_keep_alive(true);
  for (int round = 0; round < 2; ++round) {
    const auto answer = client.Get("/query?q=x&epoch=ns");
    ASSERT_TRUE(answer) << httplib::to_string(answer.error());
    EXPECT_THAT(answer->body, HasSubstr(",[99999,1.5]]}]}]}\n"));
    EXPECT_EQ(std::count(answer->body.begin(), answer->body.end(), '['), 100'000 + 4);
  }
}

TEST_F(TlsTest, KeyAndCertificateMayBeInOneFile) {
  tls_.certificate = File("both.pem", own_.key + own_.certificate);
  tls_.private_key.clear();
  Start();
  EXPECT_EQ(TlsClient(server_->port()).common_name(), "first");
}

TEST_F(TlsTest, VersionsAreKeptTo) {
  Start();
  EXPECT_FALSE(TlsClient(server_->port(), "tls1.1").greeted());
  EXPECT_EQ(TlsClient(server_->port(), "tls1.2").version(), "TLSv1.2");
  EXPECT_EQ(TlsClient(server_->port(), "tls1.3").version(), "TLSv1.3");
  tls_.min_version = "tls1.3";
  server_->UseTls(*Load(tls_));
  EXPECT_FALSE(TlsClient(server_->port(), "tls1.2").greeted());
  EXPECT_TRUE(TlsClient(server_->port(), "tls1.3").greeted());
  tls_.min_version = tls_.max_version = "tls1.2";
  server_->UseTls(*Load(tls_));
  EXPECT_EQ(TlsClient(server_->port(), "tls1.3").version(), "TLSv1.2");
}

TEST_F(TlsTest, CiphersAreKeptTo) {
  tls_.ciphers = {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_AES_128_GCM_SHA256"};
  Start();
  EXPECT_EQ(TlsClient(server_->port(), "tls1.2").cipher(), "ECDHE-ECDSA-CHACHA20-POLY1305");
  EXPECT_EQ(TlsClient(server_->port(), "tls1.3").cipher(), "TLS_AES_128_GCM_SHA256");
  tls_.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384"};
  server_->UseTls(*Load(tls_));
  EXPECT_EQ(TlsClient(server_->port(), "tls1.2").cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_TRUE(TlsClient(server_->port(), "tls1.3").greeted());
}

TEST_F(TlsTest, WhatIsWrongWithTheSettingsIsNamed) {
  const std::string folder = folder_.path();
  TlsOptions bad = tls_;
  bad.certificate = "";
  EXPECT_EQ(LoadError(bad), "http.https-certificate: needed with http.https-enabled");
  bad.certificate = folder + "/nosuch.crt";
  EXPECT_THAT(LoadError(bad), HasSubstr("http.https-certificate: cannot read " + bad.certificate));
  bad.certificate = tls_.private_key;
  EXPECT_EQ(LoadError(bad),
            "http.https-certificate: " + tls_.private_key + " has no certificate in PEM");
  bad.certificate = File("cut.crt", own_.certificate.substr(0, own_.certificate.size() / 2));
  EXPECT_THAT(LoadError(bad), HasSubstr("http.https-certificate: " + bad.certificate + ": "));

  bad = tls_;
  bad.private_key = folder + "/nosuch.key";
  EXPECT_THAT(LoadError(bad), HasSubstr("http.https-private-key: cannot read " + bad.private_key));
  bad.private_key = "";
  EXPECT_EQ(LoadError(bad),
            "http.https-private-key: " + tls_.certificate +
                " has no readable private key in PEM; where the key is in a file of its "
                "own, set this");
  bad.private_key = File("other.key", MakeCertificate("other").key);
  EXPECT_EQ(LoadError(bad), "http.https-private-key: the key in " + bad.private_key +
                                " does not belong to the certificate in " + tls_.certificate);
  bad.private_key = File("encrypted.key", EncryptedKey(own_));
  EXPECT_EQ(LoadError(bad),
            "http.https-private-key: the key in " + bad.private_key + " is encrypted");

  bad = tls_;
  bad.ciphers = {"TLS_AES_128_GCM_SHA256", "TLS_NO_SUCH_SUITE"};
  EXPECT_EQ(LoadError(bad),
            "tls.ciphers: \"TLS_NO_SUCH_SUITE\" is no cipher suite that OpenSSL has");
  bad.ciphers = {"NO-SUCH-SUITE"};
  EXPECT_THAT(LoadError(bad), HasSubstr("\"NO-SUCH-SUITE\" is no cipher suite"));
  bad = tls_;
  bad.min_version = "tls1.3";
  bad.max_version = "tls1.2";
  EXPECT_EQ(LoadError(bad), "tls.min-version: tls1.3 is above tls.max-version, tls1.2");
}

TEST_F(TlsTest, ANewCertificateIsForNewConnections) {
  Start();
  TlsClient old(server_->port());
  EXPECT_EQ(old.common_name(), "first");
  const TestCertificate next = MakeCertificate("second");
  File("server.crt", next.certificate);
  File("server.key", next.key);
  server_->UseTls(*Load(tls_));
  EXPECT_EQ(TlsClient(server_->port()).common_name(), "second");
  old.Send(kPing);
  EXPECT_THAT(old.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
}

TEST_F(TlsTest, PlainClientsAreToldAndDoNoHarm) {
  Start();
  RawClient plain(server_->port());
  plain.Send(kPing);
  EXPECT_THAT(plain.ReadAll(), HasSubstr("Client sent an HTTP request to an HTTPS server."));
  RawClient nonsense(server_->port());
  nonsense.Send(std::string(1000, '\x16'));
  nonsense.ReadAll();
  TlsClient client(server_->port());
  client.Send(kPing);
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
}

TEST_F(TlsTest, SlowGreetingsEndAndHoldNobodyUp) {
  options_.handshake_timeout_ms = 200;
  options_.threads = 1;
  Start();
  RawClient silent(server_->port());
  RawClient half(server_->port());
  half.Send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  TlsClient client(server_->port());
  client.Send(kPing);
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
  silent.ReadAll();
  half.ReadAll();
  while (metrics_.connections.load() != 1) std::this_thread::yield();
}

TEST_F(TlsTest, AClientThatSaysFarewellCancelsItsQuery) {
  RunUntilCancelled();
  Start();
  TlsClient client(server_->port());
  client.Send(kQuery);
  begun_.WaitForNotification();
  client.Close(/*farewell=*/true);
  EXPECT_TRUE(cancelled_.WaitForNotificationWithTimeout(absl::Seconds(10)));
}

TEST_F(TlsTest, AClientThatIsCutOffCancelsItsQuery) {
  RunUntilCancelled();
  Start();
  TlsClient client(server_->port());
  client.Send(kQuery);
  begun_.WaitForNotification();
  client.Close(/*farewell=*/false);
  EXPECT_TRUE(cancelled_.WaitForNotificationWithTimeout(absl::Seconds(10)));
}

TEST_F(TlsTest, PipelinedRequestsAreAnsweredInOrder) {
  absl::Notification go_on;
  executor_.run = [&](const query::QueryRequest& request, query::ResultSink& sink) {
    if (request.text == "wait") {
      begun_.Notify();
      go_on.WaitForNotification();
    }
    return SendRows(sink, 2);
  };
  Start();
  TlsClient client(server_->port());
  client.Send("GET /query?q=wait HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\n\r\n");
  begun_.WaitForNotification();
  client.Send(
      "GET /query?q=x HTTP/1.1\r\nHost: x\r\nX-Request-Id: two\r\n\r\n"
      "GET /query?q=x HTTP/1.1\r\nHost: x\r\nX-Request-Id: three\r\n\r\n");
  client.Send("GET /ping HTTP/1.1\r\nHost: x\r\nX-Request-Id: four\r\nConnection: close\r\n\r\n");
  go_on.Notify();
  const std::string all = client.ReadAll();
  size_t last = 0;
  for (const char* id : {"one", "two", "three", "four"}) {
    const size_t at = all.find(base::StrCat("X-Request-Id: ", id));
    ASSERT_NE(at, std::string::npos) << id;
    EXPECT_GE(at, last);
    last = at;
  }
  EXPECT_TRUE(client.farewell());
}

TEST_F(TlsTest, IdleConnectionsAreClosedAfterAQueryToo) {
  options_.idle_timeout_ms = 100;
  Start();
  TlsClient client(server_->port());
  client.Send(kQuery);
  EXPECT_THAT(client.ReadAll(), HasSubstr("200 OK"));
  while (metrics_.connections.load() != 0) std::this_thread::yield();
}

TEST_F(TlsTest, AClientThatNeverSaysFarewellIsLetGo) {
  Start();
  TlsClient client(server_->port());
  client.Send("GET /query?q=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), HasSubstr("200 OK"));
  EXPECT_TRUE(client.farewell());
  while (metrics_.connections.load() != 0) std::this_thread::yield();
}

TEST_F(TlsTest, OldClientsKnowThatTheAnswerIsWhole) {
  executor_.run = [](const query::QueryRequest&, query::ResultSink& sink) {
    return SendRows(sink, 20000);
  };
  Start();
  TlsClient client(server_->port());
  client.Send("GET /query?q=x HTTP/1.0\r\n\r\n");
  const std::string all = client.ReadAll();
  EXPECT_EQ(all.substr(all.size() - 7), "]}]}]}\n");
  EXPECT_TRUE(client.farewell());
}

TEST_F(TlsTest, LongBodiesAreRefusedBeforeTheyAreRead) {
  Start();
  TlsClient client(server_->port());
  client.Send("POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
  client.Send(std::string(300'000, 'x'));
  EXPECT_THAT(client.ReadAll(), HasSubstr("413 Request Entity Too Large"));
  EXPECT_TRUE(client.farewell());
}

}  // namespace
}  // namespace varve::http
