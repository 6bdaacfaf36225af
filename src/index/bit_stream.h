// Fields of 0 to 64 bits behind each other, low bits first.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "base/coding.h"

namespace varve::index {

inline unsigned BitsFor(uint64_t max) { return static_cast<unsigned>(std::bit_width(max)); }

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void Put(uint64_t value, unsigned bits) {
    for (unsigned done = 0; done < bits;) {
      if (used_ == 0) out_.push_back('\0');
      const unsigned take = bits - done < 8 - used_ ? bits - done : 8 - used_;
      const auto part = static_cast<uint8_t>((value >> done) & ((1u << take) - 1));
      out_.back() = static_cast<char>(static_cast<uint8_t>(out_.back()) | (part << used_));
      used_ = (used_ + take) % 8;
      done += take;
    }
  }

 private:
  std::string& out_;
  unsigned used_ = 0;  // bits in the last byte
};

// Eight bytes behind the last field must be readable.
class BitReader {
 public:
  explicit BitReader(const char* at) : at_(at) {}
  uint64_t Get(unsigned bits) {
    if (bits > 32) {
      const uint64_t low = Get(32);
      return low | Get(bits - 32) << 32;
    }
    const uint64_t word = base::LoadFixed<uint64_t>(at_ + position_ / 8) >> (position_ % 8);
    position_ += bits;
    return word & ((uint64_t{1} << bits) - 1);
  }

 private:
  const char* at_;
  size_t position_ = 0;
};

}  // namespace varve::index
