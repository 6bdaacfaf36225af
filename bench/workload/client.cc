#include "client.h"

#include "base/status.h"

namespace varve::bench {
namespace {

constexpr int kTimeoutSeconds = 600;

absl::StatusOr<std::string> BodyOf(httplib::Result answer) {
  if (!answer) return base::Unavailable("no answer: ", httplib::to_string(answer.error()));
  if (answer->status / 100 != 2) {
    return base::Internal("status ", answer->status, ": ", answer->body);
  }
  return std::move(answer->body);
}

}  // namespace

Client::Client(const Address& address) : client_(address.host, address.port) {
  client_.set_keep_alive(true);
  client_.set_tcp_nodelay(true);
  client_.set_read_timeout(kTimeoutSeconds);
  client_.set_write_timeout(kTimeoutSeconds);
}

absl::StatusOr<std::string> Client::Get(const std::string& target) {
  return BodyOf(client_.Get(target));
}

absl::StatusOr<std::string> Client::Post(const std::string& target, std::string_view body,
                                         bool packed) {
  httplib::Headers headers;
  if (packed) headers.emplace("Content-Encoding", "gzip");
  return BodyOf(client_.Post(target, headers, body.data(), body.size(), "text/plain"));
}

}  // namespace varve::bench
