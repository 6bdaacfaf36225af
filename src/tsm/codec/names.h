// Words for the codecs, for varve inspect and the benchmarks.
#pragma once

#include <string>
#include <string_view>

namespace varve::tsm::codec {

// See tsm::CodecName().
std::string NameOf(std::string_view block);

}  // namespace varve::tsm::codec
