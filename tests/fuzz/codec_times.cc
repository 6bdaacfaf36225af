// Blocks of times (and of integers, whose codecs they share), signed.
#include "tests/fuzz/codec_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varve::fuzz::FuzzCodec<int64_t>(data, size);
  return 0;
}
