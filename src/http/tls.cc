#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <ctime>
#include <string_view>

#include "base/status.h"

namespace varve::http {
namespace {

constexpr char kCertificate[] = "http.https-certificate: ";
constexpr char kPrivateKey[] = "http.https-private-key: ";

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFreer>;

Bio Reader(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// OpenSSL's reason for its last error on this thread; takes all errors from its queue.
std::string Reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

// Whether the last error was only that there is no more PEM to read; if so, forgets it.
bool AtEndOfPem() {
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

absl::StatusOr<std::string> Read(base::Env& env, const char* setting, const std::string& path) {
  absl::StatusOr<std::string> bytes = base::ReadFile(env, path);
  if (!bytes.ok()) {
    return base::InvalidArgument(setting, "cannot read ", path, ": ",
                                 base::MessageOf(bytes.status()));
  }
  return bytes;
}

// Gives `context` the certificates of the file; the first is the server's own.
absl::Status UseCertificates(SSL_CTX* context, const std::string& bytes, const std::string& path,
                             int64_t* expires_ns) {
  const Bio bio = Reader(bytes);
  const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (own == nullptr) {
    if (AtEndOfPem()) {
      return base::InvalidArgument(kCertificate, path, " has no certificate in PEM");
    }
    return base::InvalidArgument(kCertificate, path, ": ", Reason());
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return base::InvalidArgument(kCertificate, path, ": ", Reason());
  }
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(own.get()), &end) == 1) {
    *expires_ns = int64_t{timegm(&end)} * 1'000'000'000;
  }
  while (const Certificate signer{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, signer.get()) != 1) {
      return base::InvalidArgument(kCertificate, path, ": ", Reason());
    }
  }
  if (!AtEndOfPem()) return base::InvalidArgument(kCertificate, path, ": ", Reason());
  return absl::OkStatus();
}

// Without it OpenSSL would ask for the password of an encrypted key on the terminal.
int NoPassword(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Status UseKey(SSL_CTX* context, const std::string& bytes, const std::string& path,
                    const std::string& certificate_path) {
  const bool combined = path == certificate_path;
  bool encrypted = false;
  const Key key(PEM_read_bio_PrivateKey(Reader(bytes).get(), nullptr, NoPassword, &encrypted));
  if (key == nullptr) {
    if (encrypted) {
      ERR_clear_error();
      return base::InvalidArgument(kPrivateKey, "the key in ", path, " is encrypted");
    }
    ERR_clear_error();
    return base::InvalidArgument(
        kPrivateKey, path, " has no readable private key in PEM",
        combined ? "; where the key is in a file of its own, set this" : "");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return base::InvalidArgument(kPrivateKey, "the key in ", path,
                                 " does not belong to the certificate in ", certificate_path);
  }
  return absl::OkStatus();
}

int VersionNumber(std::string_view name) {
  return name == "tls1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
}

// The suite's name in OpenSSL. Go's old names lack the hash.
std::string SuiteName(const std::string& name) {
  for (const std::string& candidate : {name, name + "_SHA256"}) {
    const std::string_view found = OPENSSL_cipher_name(candidate.c_str());
    if (found != "(NONE)") return std::string(found);
  }
  return name;
}

absl::Status UseCiphers(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string older;
  std::string newest;  // of TLS 1.3, which OpenSSL is told in another way
  for (const std::string& name : names) {
    const std::string suite = SuiteName(name);
    const bool is_newest = suite.substr(0, 4) == "TLS_";
    // One by one: OpenSSL passes over what it does not know beside something that it does.
    const int known = is_newest ? SSL_CTX_set_ciphersuites(context, suite.c_str())
                                : SSL_CTX_set_cipher_list(context, suite.c_str());
    if (known != 1) {
      ERR_clear_error();
      return base::InvalidArgument("tls.ciphers: \"", name,
                                   "\" is no cipher suite that OpenSSL has");
    }
    std::string& list = is_newest ? newest : older;
    base::StrAppend(list, list.empty() ? "" : ":", suite);
  }
  if (!older.empty()) SSL_CTX_set_cipher_list(context, older.c_str());
  if (!newest.empty()) SSL_CTX_set_ciphersuites(context, newest.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(base::Env& env,
                                                                   const TlsOptions& options) {
  if (options.certificate.empty()) {
    return base::InvalidArgument(kCertificate, "needed with http.https-enabled");
  }
  const int min_version = VersionNumber(options.min_version);
  const int max_version = VersionNumber(options.max_version);
  if (min_version > max_version) {
    return base::InvalidArgument("tls.min-version: ", options.min_version,
                                 " is above tls.max-version, ", options.max_version);
  }
  std::shared_ptr<TlsContext> result(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = result->context_;
  if (context == nullptr) return base::Internal("no TLS: ", Reason());
  SSL_CTX_set_min_proto_version(context, min_version);
  SSL_CTX_set_max_proto_version(context, max_version);
  // A client that renegotiates makes the server work for nothing.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  RETURN_IF_ERROR(UseCiphers(context, options.ciphers));

  ASSIGN_OR_RETURN(const std::string certificates, Read(env, kCertificate, options.certificate));
  RETURN_IF_ERROR(
      UseCertificates(context, certificates, options.certificate, &result->expires_ns_));
  if (options.private_key.empty()) {
    RETURN_IF_ERROR(UseKey(context, certificates, options.certificate, options.certificate));
  } else {
    ASSIGN_OR_RETURN(const std::string key, Read(env, kPrivateKey, options.private_key));
    RETURN_IF_ERROR(UseKey(context, key, options.private_key, options.certificate));
  }
  return std::shared_ptr<const TlsContext>(std::move(result));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace varve::http
