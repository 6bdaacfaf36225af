#include <algorithm>
#include <array>
#include <cstring>

#include "base/status.h"
#include "tsm/codec.h"
#include "tsm/codec/bit_stream.h"
#include "tsm/codec/entropy.h"
#include "tsm/codec/entropy_format.h"

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

// What reading needs of the table. Left uninitialised beyond what ReadTable() fills.
struct Table {
  Table() {}
  unsigned bits;
  unsigned extra_bits_max = 0;
  size_t present = 0;
  std::array<Slot, (size_t{1} << kTableBitsMax) + kSlotsAtOnce> slots;
  std::array<uint8_t, size_t{1} << kTableBitsMax> symbols;  // numbers of present tokens
  std::array<uint64_t, kPresentTokensMax> distances;
  std::array<uint8_t, kPresentTokensMax> extra_bits;
};

void FillSlots(Slot* slots, uint32_t share) {
  for (uint32_t i = 0; i < share; i += kSlotsAtOnce) {
    for (uint32_t j = 0; j < kSlotsAtOnce; ++j) slots[i + j] = share | ((i + j) << kPlaceShift);
  }
}

// Reads the table; false if it does not add up.
bool ReadTable(base::ByteReader& in, Table& table) {
  uint8_t bits;
  uint64_t tokens;
  if (!in.GetFixed(&bits) || bits < kTableBitsMin || bits > kTableBitsMax ||
      !in.GetVarint(&tokens) || tokens == 0 || tokens > kTokens) {
    return false;
  }
  table.bits = bits;
  const uint32_t size = 1U << bits;
  uint32_t start = 0;
  size_t& present = table.present;
  std::string_view rest;
  base::ByteReader ahead = in;
  ahead.GetBytes(ahead.remaining(), &rest);
  BitReader fields(rest);
  for (unsigned token = 0; token < tokens; ++token) {
    const auto width = static_cast<unsigned>(fields.Get(kShareWidthBits));
    if (width == 0) {
      token += static_cast<unsigned>(fields.Get(kSkipBits));
      continue;
    }
    const uint32_t share = (1U << (width - 1)) + static_cast<uint32_t>(fields.Get(width - 1));
    if (fields.failed() || share > size - start || present == kPresentTokensMax) return false;
    FillSlots(table.slots.data() + start, share);
    std::memset(table.symbols.data() + start, static_cast<int>(present), share);
    table.distances[present] = DistanceOf(token);
    table.extra_bits[present] = static_cast<uint8_t>(ExtraBits(token));
    table.extra_bits_max = std::max(table.extra_bits_max, ExtraBits(token));
    start += share;
    ++present;
  }
  return start == size && !fields.failed() && in.GetBytes(fields.bytes_read(), &rest);
}

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
  int64_t centre;
  Table table;
  uint64_t word_count;
  States states;
  if (!in.GetSignedVarint(&centre) || !ReadTable(in, table) || !in.GetVarint(&word_count) ||
      word_count > out.size()) {
    return Malformed(in);
  }
  // From here on, for the bits that come last.
  base::ByteReader ahead = in;
  std::string_view rest;
  ahead.GetBytes(ahead.remaining(), &rest);
  std::string_view words;
  for (uint32_t& state : states) {
    if (!in.GetFixed(&state) || state < kStateLow) return Malformed(in);
  }
  if (!in.GetBytes(2 * word_count, &words)) return Malformed(in);
  const auto base = static_cast<uint64_t>(centre);
  if (table.extra_bits_max == 0) {
    std::array<uint64_t, kPresentTokensMax> values;
    for (size_t i = 0; i < table.present; ++i) {
      values[i] = static_cast<uint64_t>(base::UnZigZag(table.distances[i])) + base;
    }
    const auto put = [&](size_t i, uint8_t symbol) { out[i] = values[symbol]; };
    const size_t first = std::min(wanted, out.size());
    return DecodeSymbols(table, states, words, out.size(), first, put) ? absl::OkStatus()
                                                                       : Malformed(in);
  }
  // Where the bits behind the tokens end, all tokens tell.
  std::array<uint8_t, kMaxBlockValues> symbols;
  const auto put = [&](size_t i, uint8_t symbol) { symbols[i] = symbol; };
  if (!DecodeSymbols(table, states, words, out.size(), out.size(), put)) return Malformed(in);
  BitReader fields(rest, sizeof(states) + words.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t symbol = symbols[i];
    const uint64_t distance = table.distances[symbol] + fields.Get(table.extra_bits[symbol]);
    out[i] = static_cast<uint64_t>(base::UnZigZag(distance)) + base;
  }
  if (fields.failed() || !in.GetBytes(fields.bytes_read(), &rest)) return Malformed(in);
  return absl::OkStatus();
}

}  // namespace varve::tsm::codec
