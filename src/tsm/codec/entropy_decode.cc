#include <algorithm>
#include <array>
#include <cstring>

#include "base/status.h"
#include "tsm/codec.h"
#include "tsm/codec/bit_stream.h"
#include "tsm/codec/entropy.h"
#include "tsm/codec/entropy_format.h"
#include "tsm/codec/entropy_head.h"

namespace varve::tsm::codec {
namespace {

using namespace entropy;

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed entropy coding: offset=", in.offset());
}

// A slot of the table: its token's share, and above kPlaceShift the slot's place in it.
using Slot = uint32_t;
constexpr unsigned kPlaceShift = 16;
// Slots are written so many at once, which compilers turn into vectors, and so some behind the
// last.
constexpr size_t kSlotsAtOnce = 8;

// The table spread for reading. Left uninitialised beyond what Spread() fills.
struct Table {
  Table() {}
  unsigned bits;
  std::array<Slot, (size_t{1} << kTableBitsMax) + kSlotsAtOnce> slots;
  std::array<uint8_t, size_t{1} << kTableBitsMax> symbols;  // numbers of present tokens

  void Spread(const EntropyHead& head) {
    bits = head.table_bits;
    Slot* to = slots.data();
    uint8_t* symbol = symbols.data();
    for (size_t i = 0; i < head.present; ++i) {
      const uint32_t share = head.shares[i];
      FillSlots(to, share);
      std::memset(symbol, static_cast<int>(i), share);
      to += share;
      symbol += share;
    }
  }

 private:
  static void FillSlots(Slot* slots, uint32_t share) {
    Slot lanes[kSlotsAtOnce];
    for (uint32_t j = 0; j < kSlotsAtOnce; ++j) lanes[j] = share | (j << kPlaceShift);
    for (uint32_t i = 0; i < share; i += kSlotsAtOnce) {
      for (uint32_t j = 0; j < kSlotsAtOnce; ++j) slots[i + j] = lanes[j];
      for (Slot& lane : lanes) lane += kSlotsAtOnce << kPlaceShift;
    }
  }
};

using States = std::array<uint32_t, kStates>;

// Takes one step of `state`, which takes in `next` when it is low, and returns its symbol. Sets
// *took to the bytes of `next` it used. Which states are low is a matter of chance: no branch must
// depend on it.
inline uint8_t Step(const Table& table, uint32_t& state, uint16_t next, uint32_t* took) {
  const uint32_t at = state & ((1U << table.bits) - 1);
  const Slot slot = table.slots[at];
  const uint32_t share = slot & ((1U << kPlaceShift) - 1);
  const uint32_t stepped = share * (state >> table.bits) + (slot >> kPlaceShift);
  const uint32_t low = stepped < kStateLow ? 1 : 0;
  state = (stepped << (16 * low)) | (next & (0U - low));
  *took = 2 * low;
  return table.symbols[at];
}

// Decodes the first `wanted` of `count` symbols and calls put(i, symbol) for each; false if the
// words do not fit them exactly, which is seen only where all are wanted.
template <typename Put>
bool DecodeSymbols(const Table& table, States states, std::string_view words, size_t count,
                   size_t wanted, const Put& put) {
  const char* at = words.data();
  const char* const end = at + words.size();
  uint32_t took;
  size_t i = 0;
  for (; i + kStates <= wanted && end - at >= static_cast<ptrdiff_t>(2 * kStates); i += kStates) {
    for (size_t s = 0; s < kStates; ++s) {
      put(i + s, Step(table, states[s], base::LoadFixed<uint16_t>(at), &took));
      at += took;
    }
  }
  for (; i < wanted; ++i) {
    const bool more = at != end;
    const uint16_t next = more ? base::LoadFixed<uint16_t>(at) : 0;
    put(i, Step(table, states[i % kStates], next, &took));
    if (took != 0 && !more) return false;
    at += took;
  }
  if (wanted < count) return true;
  return at == end &&
         std::all_of(states.begin(), states.end(), [](uint32_t s) { return s == kStateLow; });
}

}  // namespace

absl::Status DecodeEntropy(base::ByteReader& in, size_t wanted, std::span<uint64_t> out) {
  EntropyHead head;
  if (!head.Read(in, out.size())) return Malformed(in);
  Table table;
  table.Spread(head);
  if (head.all_direct()) {
    std::array<uint64_t, kPresentTokensMax> values;
    for (size_t i = 0; i < head.present; ++i) values[i] = ResidualOf(head.tokens[i], head.centre);
    const auto put = [&](size_t i, uint8_t symbol) { out[i] = values[symbol]; };
    const size_t first = std::min(wanted, out.size());
    return DecodeSymbols(table, head.states, head.words, out.size(), first, put) ? absl::OkStatus()
                                                                                 : Malformed(in);
  }
  // Where the bits behind the tokens end, all tokens tell.
  std::array<uint8_t, kMaxBlockValues> symbols;
  const auto put = [&](size_t i, uint8_t symbol) { symbols[i] = symbol; };
  if (!DecodeSymbols(table, head.states, head.words, out.size(), out.size(), put)) {
    return Malformed(in);
  }
  std::array<uint64_t, kPresentTokensMax> distances;
  std::array<uint8_t, kPresentTokensMax> extra_bits;
  for (size_t i = 0; i < head.present; ++i) {
    distances[i] = DistanceOf(head.tokens[i]);
    extra_bits[i] = static_cast<uint8_t>(ExtraBits(head.tokens[i]));
  }
  BitReader fields(head.from_states, sizeof(head.states) + head.words.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t symbol = symbols[i];
    out[i] = ResidualOf(distances[symbol] + fields.Get(extra_bits[symbol]), head.centre);
  }
  std::string_view rest;
  if (fields.failed() || !in.GetBytes(fields.bytes_read(), &rest)) return Malformed(in);
  return absl::OkStatus();
}

}  // namespace varve::tsm::codec
