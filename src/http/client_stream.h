// The bytes of one connection: TCP, or TLS over it.
//
// One type for both, so that the connection and Beast's parser are compiled once; a plain
// connection pays one branch for each system call. Included where Asio may be.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <chrono>
#include <optional>
#include <utility>

#include "http/asio_pch.h"
#include "http/tls.h"

namespace varve::http {

// Asio's names, as Beast asks for them. One thread at a time; one read and one write at a time.
class ClientStream {
 public:
  using Tcp = boost::beast::tcp_stream;
  using executor_type = Tcp::executor_type;

  // `tls` null: plain TCP.
  ClientStream(boost::asio::ip::tcp::socket socket, const TlsContext* tls)
      : tcp_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(tcp_, SSL_new(tls->get()));
  }

  bool is_tls() const { return tls_.has_value(); }
  executor_type get_executor() { return tcp_.get_executor(); }
  // What is below TLS; has the timeouts, which hold for both.
  Tcp& tcp() { return tcp_; }
  boost::asio::ip::tcp::socket& socket() { return tcp_.socket(); }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_read_some(buffers, std::forward<Handler>(handler));
    } else {
      tcp_.async_read_some(buffers, std::forward<Handler>(handler));
    }
  }
  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_write_some(buffers, std::forward<Handler>(handler));
    } else {
      tcp_.async_write_some(buffers, std::forward<Handler>(handler));
    }
  }

  // With TLS only.
  template <typename Handler>
  void async_handshake(Handler&& handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  // Tells the client that nothing follows, and waits until it says so, too, or sends more.
  template <typename Handler>
  void async_shutdown(Handler&& handler) {
    tls_->async_shutdown(std::forward<Handler>(handler));
  }

 private:
  Tcp tcp_;
  std::optional<boost::asio::ssl::stream<Tcp&>> tls_;
};

// Whether a handshake failed because the client speaks plain HTTP.
inline bool IsPlainHttp(const boost::system::error_code& error) {
  return error.category() == boost::asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace varve::http
