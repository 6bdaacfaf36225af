// The choice of the codec of a word stream, apart from its writing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tsm/codec.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/frames.h"

namespace varve::tsm::codec {

struct NestedStreams;

// How a word stream is coded, and what that costs.
struct WordPlan {
  WordPlan();
  ~WordPlan();
  WordPlan(WordPlan&&) noexcept;
  WordPlan& operator=(WordPlan&&) noexcept;

  CodecId codec = CodecId::kPacked;
  uint64_t base = 0;                      // the words are base + scale * (an integer)
  uint64_t scale = 1;                     // their common factor
  size_t bytes = 0;                       // exactly what WriteWords() will append
  FramesPlan frames;                      // of kPacked, kDelta and kDelta2
  std::string entropy;                    // the finished body of an entropy codec
  std::unique_ptr<NestedStreams> nested;  // of kRuns and kWordDictionary
};

// kRuns: the value and the length less one of each run. kWordDictionary: the distinct words in
// ascending order, and the index of each word.
struct NestedStreams {
  std::vector<uint64_t> values;
  std::vector<uint64_t> indexes;
  WordPlan values_plan;
  WordPlan indexes_plan;
};

// Words that may hold nested streams, which hold none themselves below `depth` 0.
WordPlan PlanWords(std::span<const uint64_t> words, const EncodeOptions& options, int depth = 1);
void WriteWords(std::span<const uint64_t> words, const WordPlan& plan, std::string& out);

constexpr bool IsEntropy(CodecId codec) {
  return codec == CodecId::kEntropy || codec == CodecId::kDeltaEntropy ||
         codec == CodecId::kDelta2Entropy;
}

// Number of values a codec of the delta family stores in its header instead of in its frames.
constexpr size_t DeltaOrder(CodecId codec) {
  switch (codec) {
    case CodecId::kDelta:
    case CodecId::kDeltaEntropy:
      return 1;
    case CodecId::kDelta2:
    case CodecId::kDelta2Entropy:
      return 2;
    default:
      return 0;
  }
}

}  // namespace varve::tsm::codec
