// Interns byte strings: each distinct string gets a dense id, and is found again by its hash.
//
// Strings lie behind each other in chunks that never move; the hash holds 8 bytes a slot and is at
// most three quarters full. There is no object per string.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/coding.h"

namespace varve::index {

// Thread safety: const methods may be called from many threads while none calls Add(). A view that
// Get() returned stays valid for the table's life.
class BytesTable {
 public:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr size_t kBytesMax = 1 << 20;  // of one string

  BytesTable() = default;
  BytesTable(const BytesTable&) = delete;
  BytesTable& operator=(const BytesTable&) = delete;

  static uint64_t Hash(std::string_view bytes) { return base::Checksum(bytes); }

  // Returns the id of `bytes`, or kNone. `hash` is Hash(bytes).
  uint32_t Find(std::string_view bytes, uint64_t hash) const {
    if (slots_.empty()) return kNone;
    const uint32_t fragment = FragmentOf(hash);
    for (size_t at = fragment >> shift_;; at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.id == kNone) return kNone;
      if (slot.fragment == fragment && Get(slot.id) == bytes) return slot.id;
    }
  }
  uint32_t Find(std::string_view bytes) const { return Find(bytes, Hash(bytes)); }

  // Starts loading what Find() will need next, given what the calls with lower stages (from 0) have
  // loaded. Changes nothing.
  static constexpr int kPrefetchStages = 3;
  void Prefetch(uint64_t hash, int stage) const {
    if (slots_.empty()) return;
    const uint32_t fragment = FragmentOf(hash);
    size_t at = fragment >> shift_;
    if (stage == 0) {
      __builtin_prefetch(&slots_[at]);
      return;
    }
    while (slots_[at].id != kNone && slots_[at].fragment != fragment) at = (at + 1) & mask_;
    if (slots_[at].id == kNone) return;
    const uint32_t* place = &places_[slots_[at].id];
    if (stage == 1) {
      __builtin_prefetch(place);
      return;
    }
    const char* bytes = chunks_[*place >> kOffsetBits].get() +
                        static_cast<size_t>(*place & kOffsetMask) * kAlignment;
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + 64);
  }

  // Adds `bytes`, which must be absent and no longer than kBytesMax, and returns its id: the number
  // of strings so far. Must not be called when full().
  uint32_t Add(std::string_view bytes, uint64_t hash);
  uint32_t FindOrAdd(std::string_view bytes) {
    const uint64_t hash = Hash(bytes);
    const uint32_t id = Find(bytes, hash);
    return id != kNone ? id : Add(bytes, hash);
  }

  std::string_view Get(uint32_t id) const {
    const uint32_t where = places_[id];
    const char* at =
        chunks_[where >> kOffsetBits].get() + static_cast<size_t>(where & kOffsetMask) * kAlignment;
    uint32_t size = static_cast<uint8_t>(*at++);
    if (size == kLongMark) {
      size = base::LoadFixed<uint32_t>(at);
      at += sizeof(uint32_t);
    }
    return {at, size};
  }

  size_t size() const { return places_.size(); }
  // No room for two MiB of short strings is certain any more: at about 16 GiB.
  bool full() const { return chunks_.size() + 2 >= kChunksMax; }
  uint64_t memory_bytes() const;

 private:
  // The fragment's top bits choose the slot, so that growing need not see the strings again.
  struct Slot {
    uint32_t fragment = 0;
    uint32_t id = kNone;
  };
  static constexpr uint8_t kLongMark = 255;
  static constexpr unsigned kOffsetBits = 20;
  static constexpr uint32_t kOffsetMask = (1u << kOffsetBits) - 1;
  static constexpr size_t kAlignment = 4;
  static constexpr size_t kChunkBytesMax = (size_t{1} << kOffsetBits) * kAlignment;
  static constexpr size_t kChunksMax = size_t{1} << (32 - kOffsetBits);

  static uint32_t FragmentOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 16); }
  void Grow();
  void Place(uint32_t fragment, uint32_t id);
  uint32_t Store(std::string_view bytes);

  std::vector<Slot> slots_;
  size_t mask_ = 0;
  unsigned shift_ = 32;
  std::vector<uint32_t> places_;  // by id: chunk and offset in it
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunk_bytes_ = 0;  // size of the last chunk
  size_t chunk_used_ = 0;
  uint64_t chunks_bytes_ = 0;
};

}  // namespace varve::index
