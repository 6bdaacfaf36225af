// The first bytes of an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace varve::http {

struct HeadOptions {
  bool http_1_0 = false;
  bool keep_alive = true;
  std::optional<uint64_t> content_length;  // absent: chunked, or until the connection closes
};

// Appends the status line and headers up to the empty line. `now_s` is seconds since 1970.
void AppendHead(std::string& out, const Response& response, const HeadOptions& options,
                int64_t now_s);

// "Not Found" and so on.
std::string_view ReasonPhrase(int status);

}  // namespace varve::http
