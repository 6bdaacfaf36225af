// Decodes bytes as a manifest, with the checksum they have and with the right one; what is decoded
// is encoded to the same bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "tsm/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  varve::tsm::Manifest::Decode(input).IgnoreError();
  // A run of ids legally takes as much memory as its length says: varints are cut to three bytes.
  std::string correct(input);
  for (size_t i = 10; i < correct.size(); i += 3) correct[i] = static_cast<char>(correct[i] & 0x7f);
  varve::base::PutFixed(correct, varve::base::Checksum(correct));
  const auto manifest = varve::tsm::Manifest::Decode(correct);
  if (manifest.ok()) {
    const auto again = varve::tsm::Manifest::Decode(manifest->Encode());
    CHECK(again.ok()) << "what was decoded does not decode again";
    CHECK(again->Encode() == manifest->Encode());
  }
  return 0;
}
