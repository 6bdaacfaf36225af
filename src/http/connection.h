// One client connection: requests in turn, each answered before the next is read.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "http/network_loop.h"
#include "http/services.h"

namespace varve::http {

// Lives on one network loop; all but Exchange's methods are called on the thread that runs it.
class Connection {
 public:
  virtual ~Connection() = default;
  // Begins to read. The connection keeps itself alive until it is closed.
  virtual void Start() = 0;
  // Closes when the answer being made is sent; at once when none is.
  virtual void CloseWhenIdle() = 0;
  // Closes now.
  virtual void Abort() = 0;
};

// `socket` is of `loop`'s context. `tls` null: plain TCP; only borrowed for this call. `on_close`
// is called once, on the loop's thread or when the connection is destroyed.
std::shared_ptr<Connection> NewConnection(boost::asio::ip::tcp::socket socket, NetworkLoop& loop,
                                          const TlsContext* tls, const Services& services,
                                          std::function<void()> on_close);

}  // namespace varve::http
