// Blocks of integers, unsigned.
#include "tests/fuzz/codec_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::fuzz::FuzzCodec<uint64_t>(data, size);
  return 0;
}
