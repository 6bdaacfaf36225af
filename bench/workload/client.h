// A keep-alive connection to a server.
#pragma once

#include <httplib.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace varve::bench {

struct Address {
  std::string host = "127.0.0.1";
  int port = 8086;
};

class Client {
 public:
  explicit Client(const Address& address);

  // Sends one request; returns the body of the answer. UNAVAILABLE: there was none. INTERNAL: its
  // status is not 2xx.
  absl::StatusOr<std::string> Get(const std::string& target);
  absl::StatusOr<std::string> Post(const std::string& target, std::string_view body,
                                   bool packed = false);

 private:
  httplib::Client client_;
};

}  // namespace varve::bench
