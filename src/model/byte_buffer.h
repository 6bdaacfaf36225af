// Bytes being built by raw stores: room is reserved once for many values, then filled unchecked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/check.h"

namespace varve::model {

// Unlike std::string it hands out room that is not zeroed first. One thread at a time.
class ByteBuffer {
 public:
  void Clear() { size_ = 0; }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_.get(), size_}; }

  // Room for at least `n` more bytes, behind the present end. Valid until the next Reserve().
  char* Reserve(size_t n) {
    if (capacity_ - size_ < n) Grow(n);
    return data_.get() + size_;
  }
  // Takes what was stored up to `end`, which lies within the room last reserved.
  void CommitUpTo(const char* end) {
    size_ = static_cast<size_t>(end - data_.get());
    DCHECK_LE(size_, capacity_);
  }

 private:
  void Grow(size_t n) {
    capacity_ = std::max({size_ + n, 2 * capacity_, size_t{4096}});
    std::unique_ptr<char[]> larger(new char[capacity_]);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
  }

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace varve::model
