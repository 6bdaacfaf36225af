// TLS for the HTTP server: the certificate, its key and what is agreed on with clients.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/env.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace varve::http {

// The settings of a TLS server, as in the configuration file.
struct TlsOptions {
  std::string certificate;  // PEM file: the server's certificate, then those it is signed with
  std::string private_key;  // PEM file; empty: the key is in the file of the certificate
  std::string min_version = "tls1.2";  // tls1.2 or tls1.3, as max_version
  std::string max_version = "tls1.3";
  // Names of cipher suites, IANA's, Go's or OpenSSL's. Those of a version that none of them
  // belongs to stay OpenSSL's.
  std::vector<std::string> ciphers;
};

// What handshakes are made from. Thread safety: never changed.
class TlsContext {
 public:
  // Reads the files and checks them. INVALID_ARGUMENT names the setting and the file: a file that
  // cannot be read or holds no PEM, a key that is encrypted or belongs to another certificate, an
  // unknown cipher suite, versions that exclude each other.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Load(base::Env& env,
                                                                const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Borrowed; SSL_new() keeps what it needs of it.
  ssl_ctx_st* get() const { return context_; }
  // When the certificate ends to be valid, in nanoseconds since 1970.
  int64_t expires_ns() const { return expires_ns_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  ssl_ctx_st* context_;
  int64_t expires_ns_ = 0;
};

}  // namespace varve::http
