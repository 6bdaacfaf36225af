#include "meta/subscription_url.h"

#include <algorithm>

#include "base/status.h"

namespace varve::meta {

absl::Status CheckSubscriptionUrl(std::string_view url) {
  const absl::Status invalid = base::InvalidArgument("invalid subscription URL: ", url);
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return invalid;
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme != "udp" && scheme != "http" && scheme != "https") return invalid;
  std::string_view authority = url.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return invalid;
  const std::string_view port = authority.substr(colon + 1);
  const bool digits = !port.empty() && std::all_of(port.begin(), port.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  return digits ? absl::OkStatus() : invalid;
}

}  // namespace varve::meta
