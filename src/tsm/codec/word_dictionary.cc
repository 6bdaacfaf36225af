#include "tsm/codec/word_dictionary.h"

#include <algorithm>
#include <array>

namespace varve::tsm::codec {

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
  constexpr unsigned kSlotBits = 10;  // four slots for each word the dictionary may have
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
  return streams;
}

}  // namespace varve::tsm::codec
