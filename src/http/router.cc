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

// kWaits: the handler blocks, so it runs on a query thread.
enum class Runs : uint8_t { kAtOnce, kWaits };

struct Endpoint {
  std::string_view path;  // a segment that begins with ':' stands for any
  Method method;
  Access access;
  Handler handler;
  Runs runs = Runs::kAtOnce;
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
    {"/debug/requests", Method::kGet, Access::kOpen, HandleDebugRequests, Runs::kWaits},
    {"/api/v2/query", Method::kPost, Access::kUser, HandleFluxQuery},
    {"/api/v2/query", Method::kOptions, Access::kOpen, HandleOptions},
    {"/api/v2/write", Method::kPost, Access::kUser, HandleWriteV2},
    {"/api/v2/write", Method::kOptions, Access::kOpen, HandleOptions},
    {"/api/v2/delete", Method::kPost, Access::kUser, HandleDeleteV2, Runs::kWaits},
    {"/api/v2/buckets", Method::kGet, Access::kUser, HandleBucketList},
    {"/api/v2/buckets", Method::kPost, Access::kUser, HandleBucketCreate, Runs::kWaits},
    {"/api/v2/buckets/:dbrp", Method::kGet, Access::kUser, HandleBucketRetrieve},
    {"/api/v2/buckets/:dbrp", Method::kPatch, Access::kUser, HandleBucketUpdate, Runs::kWaits},
    {"/api/v2/buckets/:dbrp", Method::kDelete, Access::kUser, HandleBucketDelete, Runs::kWaits},
    {"/api/v2/buckets/:dbrp/labels", Method::kGet, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/labels", Method::kPost, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/labels/:id", Method::kDelete, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/members", Method::kGet, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/members", Method::kPost, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/members/:id", Method::kDelete, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/owners", Method::kGet, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/owners", Method::kPost, Access::kUser, HandleBucketPart},
    {"/api/v2/buckets/:dbrp/owners/:id", Method::kDelete, Access::kUser, HandleBucketPart},
    {"/api/v1/prom/write", Method::kPost, Access::kUser, HandlePromWrite, Runs::kWaits},
    {"/api/v1/prom/read", Method::kPost, Access::kUser, HandlePromRead, Runs::kWaits},
};

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    default:
      return "";
  }
}

// Whether the address is the endpoint's. A pattern is compared as sent, since the slash within a
// segment is an escape.
bool Matches(std::string_view path, const Request& request) {
  if (path.find(':') == std::string_view::npos) return path == request.path;
  std::string_view sent = request.raw_path;
  while (true) {
    const size_t path_end = path.find('/', 1);
    const size_t sent_end = sent.find('/', 1);
    const std::string_view want = path.substr(0, path_end);
    const std::string_view have = sent.substr(0, sent_end);
    const bool any = want.size() > 1 && want[1] == ':';
    if (any ? have.size() < 2 : want != have) return false;
    if ((path_end == path.npos) != (sent_end == sent.npos)) return false;
    if (path_end == path.npos) return true;
    path.remove_prefix(path_end);
    sent.remove_prefix(sent_end);
  }
}

Response NotRouted(const Request& request) {
  std::string allow;
  for (const Endpoint& endpoint : kEndpoints) {
    if (!Matches(endpoint.path, request)) continue;
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
    if (endpoint.method != request.method || !Matches(endpoint.path, request)) continue;
    found = &endpoint;
    break;
  }
  if (found == nullptr) {
    exchange->Reply(NotRouted(request));
    return;
  }
  const bool check = found->access == Access::kUser ||
                     (found->access == Access::kAsPing && services.options.ping_auth_enabled);
  const bool authenticate = check && services.options.auth_enabled;
  if (!authenticate && found->runs == Runs::kAtOnce) {
    found->handler(services, std::move(exchange), Identity{});
    return;
  }
  // A password seen for the first time takes milliseconds to check.
  const Handler handler = found->handler;
  if (!services.query_threads->Submit([&services, exchange, handler, authenticate] {
        if (authenticate) {
          AuthenticateAndHandle(services, exchange, handler);
        } else {
          handler(services, exchange, Identity{});
        }
      })) {
    exchange->Reply(MakeError(services, exchange->request(), 503, "too many requests are waiting"));
  }
}

}  // namespace varve::http
