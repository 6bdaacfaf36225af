// The real programs over TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/strings.h"
#include "tests/http/tls_client.h"
#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

using ::testing::HasSubstr;

class TlsEndToEndTest : public ::testing::Test {
 protected:
  TlsEndToEndTest() {
    std::ofstream(root_ + "/varve.conf") << "[http]\n  https-enabled = true\n"
                                         << "  https-certificate = \"" << certificate() << "\"\n"
                                         << "[tls]\n  min-version = \"tls1.2\"\n"
                                         << "  ciphers = [\"TLS_AES_128_GCM_SHA256\","
                                         << "\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"]\n";
    Certify("first");
  }

  std::string certificate() const { return root_ + "/server.pem"; }
  void Certify(const std::string& common_name) {
    const http::TestCertificate made = http::MakeCertificate(common_name);
    std::ofstream(certificate()) << made.certificate << made.key;
  }
  std::vector<std::string> Config() const { return {"--config", root_ + "/varve.conf"}; }

  std::string Log() const {
    std::stringstream log;
    log << std::ifstream(root_ + "/data.log").rdbuf();
    return log.str();
  }
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

TEST_F(TlsEndToEndTest, ToolsWriteAndQuery) {
  VarvedProcess varved(root_ + "/data", Config());
  const std::string address = base::StrCat("127.0.0.1:", varved.port());
  std::ofstream(root_ + "/lines.txt") << "m,a=b v=1 1\nm,a=c v=2 2\n";
  std::string output;
  EXPECT_EQ(RunProgram({VarvePath(), "import", "--host", "https://" + address, "--unsafe-ssl",
                        "--db", "d", root_ + "/lines.txt"},
                       &output),
            0)
      << output;
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "query", "-host", address, "-ssl", "-unsafeSsl", "-db", "d",
                        "SELECT sum(v) FROM m"},
                       &output),
            0)
      << output;
  EXPECT_THAT(output, HasSubstr("3"));
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "health", "--host", address, "--ssl"}, &output), 1);
  EXPECT_THAT(output, HasSubstr("--unsafe-ssl takes any certificate"));
  output.clear();
  setenv("SSL_CERT_FILE", certificate().c_str(), 1);
  EXPECT_EQ(RunProgram({VarvePath(), "health", "--host", address, "--ssl"}, &output), 0) << output;
  unsetenv("SSL_CERT_FILE");
  EXPECT_EQ(output, "ready for queries and writes\n");
  output.clear();
  EXPECT_EQ(RunProgram({VarvePath(), "health", "--host", "http://" + address}, &output), 1);
  EXPECT_THAT(output, HasSubstr("Client sent an HTTP request to an HTTPS server."));
  EXPECT_EQ(varved.Stop(), 0);
}

TEST_F(TlsEndToEndTest, TheCertificateIsReadAgainOnHangUp) {
  VarvedProcess varved(root_ + "/data", Config());
  const auto port = static_cast<uint16_t>(varved.port());
  http::TlsClient old(port);
  EXPECT_EQ(old.common_name(), "first");
  Certify("second");
  varved.Signal(SIGHUP);
  std::string name;
  for (int i = 0; i < 1000 && name != "second"; ++i) name = http::TlsClient(port).common_name();
  EXPECT_EQ(name, "second");
  std::ofstream(certificate()) << "nonsense";
  varved.Signal(SIGHUP);
  EXPECT_TRUE(LogComesToHave("certificate is not replaced"));
  EXPECT_THAT(Log(), HasSubstr(certificate() + " has no certificate in PEM"));
  EXPECT_EQ(http::TlsClient(port).common_name(), "second");
  old.Send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(old.ReadUntil("\r\n\r\n"), HasSubstr("204 No Content"));
  EXPECT_EQ(varved.Stop(), 0);
}

TEST_F(TlsEndToEndTest, AWrongCertificateStopsTheStart) {
  std::ofstream(certificate()) << "nonsense";
  std::string output;
  EXPECT_EQ(RunProgram({VarvedPath(), "--data-dir", root_ + "/data", "--config",
                        root_ + "/varve.conf", "--http-bind-address", "127.0.0.1:0"},
                       &output),
            1);
  EXPECT_THAT(output,
              HasSubstr("http.https-certificate: " + certificate() + " has no certificate in PEM"));
  EXPECT_FALSE(base::Env::Default().Exists(root_ + "/data"));
}

}  // namespace
}  // namespace varve::server
