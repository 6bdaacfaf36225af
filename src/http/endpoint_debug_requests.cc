// GET /debug/requests: who sent how many writes and queries in the next seconds.
#include <charconv>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "base/strings.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/json_text.h"
#include "http/reply.h"

namespace varve::http {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSecondsDefault = 10;
constexpr int64_t kSecondsMax = 6 * 3600;

// How often it is looked whether the client is still there.
constexpr absl::Duration kStep = absl::Milliseconds(50);

}  // namespace

void HandleDebugRequests(const Services& services, ExchangePtr exchange, const Identity&) {
  const Request& request = exchange->request();
  const Form form = ParseUrlEncoded(request.query);
  const std::string_view text = form.Get("seconds");
  int64_t seconds = kSecondsDefault;
  if (!text.empty()) {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) {
      exchange->Reply(
          MakeError(services, request, 400,
                    base::StrCat("strconv.ParseInt: parsing \"", text, "\": invalid syntax")));
      return;
    }
  }
  if (seconds > kSecondsMax) {
    exchange->Reply(MakeError(services, request, 400,
                              base::StrCat("exceeded maximum interval time: ",
                                           query::FormatDuration(seconds * kSecondNs), " > 6h")));
    return;
  }

  RequestTracker& tracker = services.metrics->tracker;
  RequestTracker::Profile profile;
  if (!tracker.Start(&profile)) {
    exchange->Reply(MakeError(services, request, 503, "too many others count requests"));
    return;
  }
  const int64_t end_ns = services.env->MonotonicNs() + seconds * kSecondNs;
  while (!exchange->client_gone().load() && services.env->MonotonicNs() < end_ns) {
    absl::SleepFor(kStep);
  }
  tracker.Stop(&profile);

  Response response = MakeResponse(services, request, 200, Format::kJson);
  response.headers[0].second = "application/json; charset=utf-8";
  std::string& out = response.body;
  out = "{\n";
  for (const auto& [who, counts] : profile) {
    if (out.size() > 2) out += ",\n";
    AppendJsonString(out, who);
    base::StrAppend(out, ": {\"writes\":", counts.writes, ",\"queries\":", counts.queries, "}");
  }
  out += "\n}\n";
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
