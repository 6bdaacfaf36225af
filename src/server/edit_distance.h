// How far two words are apart.
#pragma once

#include <cstddef>
#include <string_view>

namespace varve::server {

// The least number of letters to add, drop or replace to make `a` of `b` (Levenshtein).
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace varve::server
