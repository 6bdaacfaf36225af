// XXH64 (xxHash, seed 0): the hash of formats that are not ours. Our own files have Checksum().
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::base {

uint64_t Xxh64(std::string_view bytes);

}  // namespace varve::base
