// Checks the bytes of a frozen Roaring bitmap before CRoaring is given them.
//
// Source: CRoaring 0.2.66, roaring_bitmap_frozen_serialize(): containers of 8 KiB bitsets, then
// run containers, then arrays, then a u16 key and a u16 count each, a u8 type each, and a u32 of
// (count of containers << 15 | cookie 13766).
#pragma once

#include <cstdint>
#include <string_view>

namespace varve::index {

// True when roaring_bitmap_frozen_view() may be used on `bytes` and everything read through it: the
// zones fill the bytes exactly, keys ascend, arrays and runs ascend and end within 65,535, and each
// bitset's count is right. `cardinality` is set.
bool CheckFrozenBitmap(std::string_view bytes, uint64_t* cardinality);

}  // namespace varve::index
