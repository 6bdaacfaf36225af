// Parameters of a request: urlencoded, multipart and packed bodies never read outside their bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/encoder.h"
#include "http/form.h"
#include "http/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve::http;  // NOLINT: the code under test
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ParseUrlEncoded(input);
  NegotiateFormat(input);
  // The first line is the Content-Type, the rest the body.
  const size_t newline = input.find('\n');
  Request request;
  request.method = Method::kPost;
  request.headers.emplace_back("Content-Type", std::string(input.substr(0, newline)));
  if (newline != std::string_view::npos) request.body = input.substr(newline + 1);
  RequestForm(request);
  (void)Gunzip(input, 1 << 16);
  return 0;
}
