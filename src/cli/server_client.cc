#include "cli/server_client.h"

#include <httplib.h>

#include <charconv>

#include "base/status.h"

namespace varve::cli {
namespace {

constexpr time_t kTimeoutSeconds = 600;

std::string Encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

class HttpServerClient : public ServerClient {
 public:
  // `url`: scheme, host and port.
  HttpServerClient(const std::string& url, const ServerAddress& address)
      : client_(url), host_port_(address.host_port) {
    client_.enable_server_certificate_verification(!address.any_certificate);
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
    client_.set_read_timeout(kTimeoutSeconds);
    client_.set_write_timeout(kTimeoutSeconds);
    if (!address.user.empty()) client_.set_basic_auth(address.user, address.password);
  }

  absl::StatusOr<Answer> Query(std::string_view database, std::string_view text) override {
    const std::string path = base::StrCat("/query?epoch=ns&db=", Encode(database));
    const httplib::Result result =
        client_.Post(path, base::StrCat("q=", Encode(text)), "application/x-www-form-urlencoded");
    RETURN_IF_ERROR(Check(result));
    return ParseAnswer(result->body);
  }

  absl::Status Write(const WriteTarget& target, std::string_view lines) override {
    const std::string path =
        base::StrCat("/write?db=", Encode(target.database), "&rp=", Encode(target.retention_policy),
                     "&precision=", Encode(target.precision));
    return Check(client_.Post(path, lines.data(), lines.size(), "text/plain"));
  }

  absl::StatusOr<std::vector<std::string>> Health() override {
    const httplib::Result result = client_.Get("/health");
    std::vector<std::string> lines;
    if (result) lines = ParseHealth(result->body);
    if (result && result->status == 503 && !lines.empty()) return base::Unavailable(lines[0]);
    RETURN_IF_ERROR(Check(result));
    if (lines.empty()) return base::Unavailable(host_port_, " is no server of this kind");
    return lines;
  }

 private:
  absl::Status Check(const httplib::Result& result) const {
    if (!result) {
      const bool unknown = result.error() == httplib::Error::SSLServerVerification;
      return base::Unavailable("no answer from ", host_port_, ": ",
                               httplib::to_string(result.error()),
                               unknown ? " (--unsafe-ssl takes any certificate)" : "");
    }
    if (result->status < 300) return absl::OkStatus();
    std::string text = result->get_header_value("X-Influxdb-Error");
    if (text.empty()) text = result->body;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (result->status == 503 || result->status == 429) return base::Unavailable(text);
    if (result->status == 401 || result->status == 403) return base::PermissionDenied(text);
    if (result->status >= 500) return base::Internal(text);
    return base::InvalidArgument(text);
  }

  httplib::Client client_;
  const std::string host_port_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServerClient>> ServerClient::Create(const ServerAddress& address) {
  std::string_view text = address.host_port;
  bool tls = address.tls;
  if (text.substr(0, 7) == "http://") {
    text.remove_prefix(7);
    if (tls) return base::InvalidArgument("\"", address.host_port, "\" is not for TLS");
  } else if (text.substr(0, 8) == "https://") {
    text.remove_prefix(8);
    tls = true;
  }
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  int port = 8086;
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + colon + 1, end, port);
    if (result.ec != std::errc() || result.ptr != end || port < 1 || port > 65535) {
      return base::InvalidArgument("\"", address.host_port, "\" is no HOST:PORT");
    }
    text = text.substr(0, colon);
  }
  const std::string url =
      base::StrCat(tls ? "https://" : "http://", text.empty() ? "127.0.0.1" : text, ":", port);
  return std::unique_ptr<ServerClient>(std::make_unique<HttpServerClient>(url, address));
}

}  // namespace varve::cli
