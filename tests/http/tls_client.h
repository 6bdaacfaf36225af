// Certificates made on the spot, and a client that speaks raw bytes over TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace varve::http {

// PEM texts of a certificate for 127.0.0.1 that is signed by itself, and of its key.
struct TestCertificate {
  std::string certificate;
  std::string key;
};
TestCertificate MakeCertificate(const std::string& common_name);
// The key of `certificate`, encrypted.
std::string EncryptedKey(const TestCertificate& certificate);

// A TLS connection to the server under test. Accepts any certificate.
class TlsClient {
 public:
  // `max_version` as TlsOptions has it, or "tls1.1".
  explicit TlsClient(uint16_t port, std::string_view max_version = "tls1.3");
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Whether the handshake succeeded, what it agreed on, and with whom.
  bool greeted() const { return greeted_; }
  std::string version() const;
  std::string cipher() const;
  std::string common_name() const;

  void Send(std::string_view bytes);
  // Reads until `text` came, the connection ended, or ten seconds passed; returns all of it.
  std::string ReadUntil(std::string_view text);
  std::string ReadAll() { return ReadUntil(""); }
  // Whether the server said that nothing follows, rather than only ended the connection.
  bool farewell() const;
  // Ends the connection, with or without saying so first.
  void Close(bool farewell);

 private:
  int socket_;
  ssl_ctx_st* context_;
  ssl_st* tls_;
  bool greeted_ = false;
};

}  // namespace varve::http
