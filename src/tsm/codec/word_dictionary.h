// Words split into two shorter or smaller streams: runs, and a dictionary.
#pragma once

#include <optional>
#include <span>

#include "tsm/codec/word_plan.h"

namespace varve::tsm::codec {

// More distinct words than this are no dictionary.
inline constexpr size_t kDictionaryWords = 2048;

//   runs  how many runs of equal words there are.
NestedStreams SplitRuns(std::span<const uint64_t> words, size_t runs);

// nullopt when there are too many distinct words; finds that out early.
std::optional<NestedStreams> SplitDictionary(std::span<const uint64_t> words);

}  // namespace varve::tsm::codec
