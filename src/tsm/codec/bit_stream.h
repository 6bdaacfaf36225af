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
  // Begins `skip` bytes into `bytes`. Fast when there are eight bytes or more, skipped ones
  // included.
  explicit BitReader(std::string_view bytes, size_t skip = 0)
      : bytes_(bytes), skip_(skip), position_(skip * 8) {}
  // width <= 56.
  uint64_t Get(unsigned width) {
    const uint64_t word = Load(position_ / 8) >> (position_ % 8);
    position_ += width;
    return word & ((uint64_t{1} << width) - 1);
  }
  bool failed() const { return position_ > bytes_.size() * 8; }
  // Bytes begun, without those skipped.
  size_t bytes_read() const { return (position_ + 7) / 8 - skip_; }

 private:
  uint64_t Load(size_t byte) const {
    uint64_t word = 0;
    if (byte + 8 <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, 8);
    } else if (bytes_.size() >= 8) {
      // The last eight bytes, moved so that `byte` comes first.
      const size_t behind = byte + 8 - bytes_.size();
      if (behind >= 8) return 0;
      std::memcpy(&word, bytes_.data() + bytes_.size() - 8, 8);
      word >>= 8 * behind;
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    return word;
  }

  std::string_view bytes_;
  size_t skip_;
  size_t position_;
};

}  // namespace varve::tsm::codec
