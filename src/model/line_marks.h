// Finds the characters that give a line its structure, a vector of bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve::model {

// Bytes behind its text that FindMarks may read.
inline constexpr size_t kMarkPadding = 64;

// Stores the offsets of each comma, equals sign, space, newline, double quote and backslash in
// text[0, size), in ascending order, and returns how many there are.
//   text   kMarkPadding more bytes must be readable behind it.
//   marks  room for `size` offsets.
size_t FindMarks(const char* text, size_t size, uint32_t* marks);

// The same, a byte at a time; what tests compare with.
size_t FindMarksByByte(const char* text, size_t size, uint32_t* marks);

}  // namespace varve::model
