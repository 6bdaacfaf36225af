// Blocks of booleans.
#include "tests/fuzz/codec_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::fuzz::FuzzCodec<uint8_t>(data, size);
  return 0;
}
