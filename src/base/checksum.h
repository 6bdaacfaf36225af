// The checksum of every Varve file: XXH3-64 (xxHash 0.8, seed 0).
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::base {

uint64_t Checksum(std::string_view bytes);

}  // namespace varve::base
