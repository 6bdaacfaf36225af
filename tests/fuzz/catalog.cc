// Any bytes are decoded or refused; what is decoded encodes to something that decodes again.
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "meta/catalog_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)varve::meta::DecodeCatalog(body);
  // With a right header the body itself is what is read.
  std::string bytes("VCAT\x01\0\0\0", 8);
  varve::base::PutFixed<uint64_t>(bytes, varve::base::Checksum(body));
  bytes.append(body);
  const auto decoded = varve::meta::DecodeCatalog(bytes);
  if (decoded.ok()) {
    CHECK(varve::meta::DecodeCatalog(varve::meta::EncodeCatalog(*decoded)).ok());
  }
  return 0;
}
