// Fields of differing widths, one behind the other, low bits first.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace varve::tsm::codec {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  // width <= 56; `value` has no bits above it.
  void Put(uint64_t value, unsigned width) {
    pending_ |= value << filled_;
    filled_ += width;
    while (filled_ >= 8) {
      out_.push_back(static_cast<char>(pending_));
      pending_ >>= 8;
      filled_ -= 8;
    }
  }
  // Fills the last byte up with zeros. Call once, at the end.
  void Finish() {
    if (filled_ > 0) out_.push_back(static_cast<char>(pending_));
  }

 private:
  std::string& out_;
  uint64_t pending_ = 0;
  unsigned filled_ = 0;
};

// Reads what BitWriter wrote. Behind the end of the bytes there are zeros; ask failed().
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  // width <= 56.
  uint64_t Get(unsigned width) {
    const size_t byte = position_ / 8;
    uint64_t word = 0;
    if (byte + 8 <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, 8);
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    word >>= position_ % 8;
    position_ += width;
    return word & ((uint64_t{1} << width) - 1);
  }
  bool failed() const { return position_ > bytes_.size() * 8; }
  // Bytes begun.
  size_t bytes_read() const { return (position_ + 7) / 8; }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
};

}  // namespace varve::tsm::codec
