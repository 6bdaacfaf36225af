#include "http/response_head.h"

#include <ctime>

#include "base/strings.h"

namespace varve::http {
namespace {

// The Date header (RFC 9110, section 5.6.7). Made once a second and thread.
std::string_view DateText(int64_t now_s) {
  thread_local int64_t made_s = -1;
  thread_local char text[40];
  thread_local size_t size = 0;
  if (made_s != now_s) {
    made_s = now_s;
    const std::time_t time = now_s;
    std::tm parts{};
    gmtime_r(&time, &parts);
    size = std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {text, size};
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void AppendHead(std::string& out, const Response& response, const HeadOptions& options,
                int64_t now_s) {
  base::StrAppend(out, options.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ", response.status, " ",
                  ReasonPhrase(response.status), "\r\n");
  for (const auto& [name, value] : response.headers) {
    base::StrAppend(out, name, ": ", value, "\r\n");
  }
  base::StrAppend(out, "Date: ", DateText(now_s), "\r\n");
  if (options.content_length) {
    if (response.status != 204) {
      base::StrAppend(out, "Content-Length: ", *options.content_length, "\r\n");
    }
  } else if (!options.http_1_0) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (!options.keep_alive) {
    out += "Connection: close\r\n";
  } else if (options.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace varve::http
