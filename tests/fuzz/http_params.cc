// The JSON of /query's `params`, and tokens.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/auth.h"
#include "http/bound_parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)varve::http::ParseBoundParameters(input);
  (void)varve::http::CheckToken(input, "secret", 0);
  return 0;
}
