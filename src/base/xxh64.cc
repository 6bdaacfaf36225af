#include "base/xxh64.h"

#include <xxhash.h>

namespace varve::base {

uint64_t Xxh64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace varve::base
