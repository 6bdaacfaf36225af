#include "base/checksum.h"

#include <xxhash.h>

namespace varve::base {

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace varve::base
