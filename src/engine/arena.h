// Memory that is given out in pieces and returned all at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace varve::engine {

// What several arenas hold together; shared, because a view may keep an arena longer than the store
// lives.
using ByteTotal = std::shared_ptr<std::atomic<int64_t>>;

// Counts the bytes of its blocks in its own and in a shared total, so that the store knows what all
// caches hold without visiting them.
//
// Thread safety: one thread allocates; any thread may ask for bytes().
class Arena {
 public:
  // `total` may be null.
  explicit Arena(ByteTotal total) : total_(std::move(total)) {}
  ~Arena() {
    if (total_ != nullptr) total_->fetch_sub(static_cast<int64_t>(bytes()));
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Aligned to 8 bytes; not cleared.
  char* Allocate(size_t bytes) {
    const size_t rounded = (bytes + 7) & ~size_t{7};
    if (rounded > left_) Grow(rounded);
    char* piece = at_;
    at_ += rounded;
    left_ -= rounded;
    return piece;
  }

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kFirstBlock = size_t{16} << 10;
  static constexpr size_t kLargestBlock = size_t{1} << 20;

  void Grow(size_t least) {
    const size_t size = std::max(least, next_block_);
    next_block_ = std::min(next_block_ * 2, kLargestBlock);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    at_ = blocks_.back().get();
    left_ = size;
    bytes_.fetch_add(size, std::memory_order_relaxed);
    if (total_ != nullptr) total_->fetch_add(static_cast<int64_t>(size));
  }

  char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_block_ = kFirstBlock;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<size_t> bytes_{0};
  const ByteTotal total_;
};

}  // namespace varve::engine
