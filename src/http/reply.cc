#include "http/reply.h"

#include <atomic>
#include <cstdint>

#include "base/strings.h"
#include "http/form.h"
#include "http/status_code.h"
#include "http/version.h"

namespace varve::http {
namespace {

constexpr size_t kErrorHeaderMax = 1024;

void AppendHex(std::string& out, uint64_t value, int digits) {
  constexpr char kHex[] = "0123456789abcdef";
  for (int i = digits - 1; i >= 0; --i) out.push_back(kHex[value >> (4 * i) & 15]);
}

void AddCors(const Request& request, HeaderList& headers) {
  const std::string_view origin = request.Header("origin");
  if (origin.empty()) return;
  headers.emplace_back("Access-Control-Allow-Origin", origin);
  // As InfluxDB has had it all along; the v2 endpoints, of 1.8 and later, say what 1.10 does.
  const bool v2 = request.path.starts_with("/api/v2/");
  headers.emplace_back("Access-Control-Allow-Methods", v2 ? "DELETE, GET, OPTIONS, POST, PUT, PATCH"
                                                          : "DELETE, GET, OPTIONS, POST, PUT");
  headers.emplace_back("Access-Control-Allow-Headers",
                       v2 ? "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, "
                            "User-Agent, X-CSRF-Token, X-HTTP-Method-Override"
                          : "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, "
                            "X-CSRF-Token, X-HTTP-Method-Override");
  headers.emplace_back("Access-Control-Expose-Headers",
                       "Date, X-InfluxDB-Version, X-InfluxDB-Build");
}

void AddVersion(HeaderList& headers) {
  headers.emplace_back("X-Influxdb-Build", kBuild);
  headers.emplace_back("X-Influxdb-Version", kInfluxVersion);
}

// A header is one line, whatever the text.
std::string HeaderText(std::string_view text) {
  std::string line(text.substr(0, kErrorHeaderMax));
  for (char& c : line) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return line;
}

}  // namespace

Format FormatOf(const Request& request) { return NegotiateFormat(request.Header("accept")); }

bool WantsPretty(const Request& request) {
  return request.query.find("pretty") != std::string::npos &&
         ParseUrlEncoded(request.query).Get("pretty") == "true";
}

std::string NewRequestId(int64_t now_ns) {
  static std::atomic<uint32_t> counter{0};
  // 100 ns steps since 1582-10-15.
  const auto ticks = static_cast<uint64_t>(now_ns / 100 + 0x01b21dd213814000);
  const uint32_t sequence = counter.fetch_add(1, std::memory_order_relaxed);
  std::string id;
  id.reserve(36);
  AppendHex(id, ticks & 0xffffffff, 8);
  id.push_back('-');
  AppendHex(id, ticks >> 32 & 0xffff, 4);
  id.push_back('-');
  AppendHex(id, (ticks >> 48 & 0x0fff) | 0x1000, 4);
  id.push_back('-');
  AppendHex(id, (sequence & 0x3fff) | 0x8000, 4);
  id.push_back('-');
  AppendHex(id, sequence >> 14, 12);
  return id;
}

Response MakeResponse(const Services& services, const Request& request, int status, Format format) {
  Response response;
  response.status = status;
  HeaderList& headers = response.headers;
  headers.reserve(8);
  // InfluxDB answers OPTIONS before it chooses a format.
  if (request.method != Method::kOptions) {
    headers.emplace_back("Content-Type", ContentType(format));
  }
  std::string id = HeaderText(request.Header("x-request-id"));
  if (id.empty()) id = HeaderText(request.Header("request-id"));
  if (id.empty()) id = NewRequestId(services.env->NowNs());
  headers.emplace_back("Request-Id", id);
  AddVersion(headers);
  headers.emplace_back("X-Request-Id", std::move(id));
  AddCors(request, headers);
  for (const auto& header : services.options.headers) headers.push_back(header);
  return response;
}

Response MakeError(const Services& services, const Request& request, int status,
                   std::string_view text) {
  const Format format = FormatOf(request);
  Response response = MakeResponse(services, request, status, format);
  if (status == 401) {
    response.headers.emplace_back("WWW-Authenticate",
                                  base::StrCat("Basic realm=\"", services.options.realm, "\""));
    services.metrics->auth_failures.fetch_add(1, std::memory_order_relaxed);
  } else {
    response.headers.emplace_back("X-Influxdb-Error", HeaderText(text));
  }
  if (ShouldRetry(status)) response.headers.emplace_back("Retry-After", "5");
  response.body = EncodeError(format, WantsPretty(request), text);
  return response;
}

Response MakePlain(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  AddVersion(response.headers);
  response.body = base::StrCat(text, "\n");
  return response;
}

}  // namespace varve::http
