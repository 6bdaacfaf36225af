#include "index/bytes_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace varve::index {

uint32_t BytesTable::Add(std::string_view bytes, uint64_t hash) {
  CHECK_LE(bytes.size(), kBytesMax);
  if ((places_.size() + 1) * 4 > slots_.size() * 3) Grow();
  const auto id = static_cast<uint32_t>(places_.size());
  places_.push_back(Store(bytes));
  Place(FragmentOf(hash), id);
  return id;
}

void BytesTable::Place(uint32_t fragment, uint32_t id) {
  size_t at = fragment >> shift_;
  while (slots_[at].id != kNone) at = (at + 1) & mask_;
  slots_[at] = {fragment, id};
}

void BytesTable::Grow() {
  const size_t slots = std::max<size_t>(16, slots_.size() * 2);
  std::vector<Slot> old(slots);
  old.swap(slots_);
  mask_ = slots - 1;
  shift_ = 32 - static_cast<unsigned>(std::countr_zero(slots));
  for (const Slot& slot : old) {
    if (slot.id != kNone) Place(slot.fragment, slot.id);
  }
}

uint32_t BytesTable::Store(std::string_view bytes) {
  const bool is_long = bytes.size() >= kLongMark;
  const size_t head = is_long ? 1 + sizeof(uint32_t) : 1;
  const size_t need = (head + bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
  if (chunk_bytes_ - chunk_used_ < need) {
    CHECK_LT(chunks_.size(), kChunksMax) << "more than 16 GiB of strings";
    // Small tables stay small; the untouched rest of a large chunk costs no memory.
    const size_t wanted = std::clamp<size_t>(chunk_bytes_ * 2, 1024, kChunkBytesMax);
    chunk_bytes_ = std::max(wanted, need);
    chunks_.push_back(std::unique_ptr<char[]>(new char[chunk_bytes_]));
    chunks_bytes_ += chunk_used_;
    chunk_used_ = 0;
  }
  char* at = chunks_.back().get() + chunk_used_;
  const auto where =
      static_cast<uint32_t>(((chunks_.size() - 1) << kOffsetBits) | (chunk_used_ / kAlignment));
  if (is_long) {
    *at++ = static_cast<char>(kLongMark);
    const auto size = static_cast<uint32_t>(bytes.size());
    std::memcpy(at, &size, sizeof(size));
    at += sizeof(size);
  } else {
    *at++ = static_cast<char>(bytes.size());
  }
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  chunk_used_ += need;
  return where;
}

uint64_t BytesTable::memory_bytes() const {
  return slots_.capacity() * sizeof(Slot) + places_.capacity() * sizeof(uint32_t) + chunks_bytes_ +
         chunk_used_;
}

}  // namespace varve::index
