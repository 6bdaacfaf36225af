#include "tsm/codec/word_dictionary.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace varve::tsm::codec {

namespace {

// Puts the entries in ascending order, as signed numbers: their differences are small, and so are
// those of the indexes of near words.
void SortEntries(NestedStreams& streams) {
  const size_t count = streams.values.size();
  std::vector<uint64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) {
    return static_cast<int64_t>(streams.values[a]) < static_cast<int64_t>(streams.values[b]);
  });
  std::vector<uint64_t> sorted(count);
  std::vector<uint64_t> new_index(count);
  for (size_t i = 0; i < count; ++i) {
    sorted[i] = streams.values[order[i]];
    new_index[order[i]] = i;
  }
  streams.values = std::move(sorted);
  for (uint64_t& index : streams.indexes) index = new_index[index];
}

}  // namespace

NestedStreams SplitRuns(std::span<const uint64_t> words, size_t runs) {
  NestedStreams streams;
  streams.values.reserve(runs);
  streams.indexes.reserve(runs);
  for (size_t at = 0; at < words.size();) {
    size_t end = at + 1;
    while (end < words.size() && words[end] == words[at]) ++end;
    streams.values.push_back(words[at]);
    streams.indexes.push_back(end - at - 1);
    at = end;
  }
  return streams;
}

std::optional<NestedStreams> SplitDictionary(std::span<const uint64_t> words) {
  constexpr unsigned kSlotBits = 13;  // four slots for each word the dictionary may have
  constexpr uint16_t kFree = 0xffff;
  std::array<uint16_t, size_t{1} << kSlotBits> slots;
  slots.fill(kFree);
  // Fewer than three uses of each word never pay for it.
  const size_t distinct_max = std::min(kDictionaryWords, words.size() / 3);
  NestedStreams streams;
  streams.indexes.reserve(words.size());
  for (const uint64_t word : words) {
    size_t slot = (word * 0x9E3779B97F4A7C15) >> (64 - kSlotBits);
    while (slots[slot] != kFree && streams.values[slots[slot]] != word) {
      slot = (slot + 1) % slots.size();
    }
    if (slots[slot] == kFree) {
      if (streams.values.size() == distinct_max) return std::nullopt;
      slots[slot] = static_cast<uint16_t>(streams.values.size());
      streams.values.push_back(word);
    }
    streams.indexes.push_back(slots[slot]);
  }
  SortEntries(streams);
  return streams;
}

}  // namespace varve::tsm::codec
