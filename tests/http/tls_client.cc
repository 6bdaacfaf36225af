#include "tests/http/tls_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

namespace varve::http {
namespace {

std::string TextOf(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string KeyText(EVP_PKEY* key, const EVP_CIPHER* cipher) {
  char password[] = "secret";
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher ? password : nullptr,
                                          cipher ? 6 : 0, nullptr, nullptr),
            1);
  return TextOf(bio);
}

}  // namespace

TestCertificate MakeCertificate(const std::string& common_name) {
  static std::atomic<long> serial{1};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial.fetch_add(1));
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* address =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, address, -1);
  X509_EXTENSION_free(address);
  X509_set_pubkey(certificate, key);
  EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_X509(bio, certificate), 1);
  TestCertificate result{TextOf(bio), KeyText(key, nullptr)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return result;
}

std::string EncryptedKey(const TestCertificate& certificate) {
  BIO* bio = BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  std::string text = KeyText(key, EVP_aes_128_cbc());
  EVP_PKEY_free(key);
  return text;
}

TlsClient::TlsClient(uint16_t port, std::string_view max_version)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)),
      context_(SSL_CTX_new(TLS_client_method())),
      tls_(SSL_new(context_)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const timeval timeout{10, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  SSL_set_security_level(tls_, 0);  // so that it is the server who refuses
  SSL_set_max_proto_version(tls_, max_version == "tls1.1"   ? TLS1_1_VERSION
                                  : max_version == "tls1.2" ? TLS1_2_VERSION
                                                            : TLS1_3_VERSION);
  SSL_set_fd(tls_, socket_);
  greeted_ = SSL_connect(tls_) == 1;
}

TlsClient::~TlsClient() {
  Close(false);
  SSL_free(tls_);
  SSL_CTX_free(context_);
}

std::string TlsClient::version() const { return SSL_get_version(tls_); }
std::string TlsClient::cipher() const { return SSL_get_cipher_name(tls_); }

std::string TlsClient::common_name() const {
  X509* certificate = SSL_get1_peer_certificate(tls_);
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  X509_free(certificate);
  return name;
}

void TlsClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const int n = SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

std::string TlsClient::ReadUntil(std::string_view text) {
  std::string all;
  char buffer[65536];
  while (text.empty() || all.find(text) == std::string::npos) {
    const int n = SSL_read(tls_, buffer, sizeof(buffer));
    if (n <= 0) break;
    all.append(buffer, static_cast<size_t>(n));
  }
  return all;
}

bool TlsClient::farewell() const { return (SSL_get_shutdown(tls_) & SSL_RECEIVED_SHUTDOWN) != 0; }

void TlsClient::Close(bool farewell) {
  if (socket_ < 0) return;
  if (farewell) SSL_shutdown(tls_);
  ::close(socket_);
  socket_ = -1;
}

}  // namespace varve::http
