#include "http/router.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "http/reply.h"

namespace varve::http {
namespace {

enum class Access : uint8_t { kOpen, kAsPing, kUser };

struct Endpoint {
  std::string_view path;
  Method method;
  Access access;
  Handler handler;
};

constexpr Endpoint kEndpoints[] = {
    {"/query", Method::kGet, Access::kUser, HandleQuery},
    {"/query", Method::kPost, Access::kUser, HandleQuery},
    {"/query", Method::kOptions, Access::kOpen, HandleOptions},
    {"/write", Method::kPost, Access::kUser, HandleWrite},
    {"/write", Method::kOptions, Access::kOpen, HandleOptions},
    {"/ping", Method::kGet, Access::kAsPing, HandlePing},
    {"/ping", Method::kHead, Access::kAsPing, HandlePing},
    {"/status", Method::kGet, Access::kAsPing, HandleStatus},
    {"/status", Method::kHead, Access::kAsPing, HandleStatus},
    {"/health", Method::kGet, Access::kAsPing, HandleHealth},
    {"/health", Method::kOptions, Access::kOpen, HandleOptions},
    {"/metrics", Method::kGet, Access::kAsPing, HandleMetrics},
    {"/debug/vars", Method::kGet, Access::kOpen, HandleDebugVars},
    {"/api/v2/query", Method::kPost, Access::kUser, HandleFluxQuery},
    {"/api/v2/query", Method::kOptions, Access::kOpen, HandleOptions},
};

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kOptions:
      return "OPTIONS";
    default:
      return "";
  }
}

Response NotRouted(std::string_view path) {
  std::string allow;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != path) continue;
    base::StrAppend(allow, allow.empty() ? "" : ", ", MethodName(endpoint.method));
  }
  if (allow.empty()) return MakePlain(404, "404 page not found");
  Response response = MakePlain(405, "Method Not Allowed");
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

void AuthenticateAndHandle(const Services& services, const ExchangePtr& exchange, Handler handler) {
  const absl::StatusOr<Identity> who = Authenticate(exchange->request(), services);
  if (who.ok()) {
    handler(services, exchange, *who);
  } else {
    exchange->Reply(MakeError(services, exchange->request(), 401, base::MessageOf(who.status())));
  }
}

}  // namespace

void Route(const Services& services, ExchangePtr exchange) {
  const Request& request = exchange->request();
  const Endpoint* found = nullptr;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.method == request.method && endpoint.path == request.path) found = &endpoint;
  }
  if (found == nullptr) {
    exchange->Reply(NotRouted(request.path));
    return;
  }
  const bool check = found->access == Access::kUser ||
                     (found->access == Access::kAsPing && services.options.ping_auth_enabled);
  if (!check || !services.options.auth_enabled) {
    found->handler(services, std::move(exchange), Identity{});
    return;
  }
  // A password seen for the first time takes milliseconds to check.
  const Handler handler = found->handler;
  if (!services.query_threads->Submit(
          [&services, exchange, handler] { AuthenticateAndHandle(services, exchange, handler); })) {
    exchange->Reply(MakeError(services, exchange->request(), 503, "too many requests are waiting"));
  }
}

}  // namespace varve::http
