#include "tsm/codec/names.h"

#include <algorithm>

#include "tsm/codec/codec_id.h"

namespace varve::tsm::codec {
namespace {

std::string_view WordOf(CodecId codec) {
  switch (codec) {
    case CodecId::kConstant:
    case CodecId::kTextConstant:
      return "constant";
    case CodecId::kStep:
      return "step";
    case CodecId::kPacked:
      return "packed";
    case CodecId::kDelta:
      return "delta";
    case CodecId::kDelta2:
      return "delta2";
    case CodecId::kRuns:
    case CodecId::kBitRuns:
      return "runs";
    case CodecId::kWordDictionary:
    case CodecId::kTextDictionary:
      return "dictionary";
    case CodecId::kEntropy:
      return "entropy";
    case CodecId::kDeltaEntropy:
      return "delta+entropy";
    case CodecId::kDelta2Entropy:
      return "delta2+entropy";
    case CodecId::kDecimal:
      return "decimal";
    case CodecId::kFloatBits:
      return "bits";
    case CodecId::kFloatSplit:
      return "split";
    case CodecId::kNearDecimal:
      return "near decimal";
    case CodecId::kSingleDecimal:
      return "single decimal";
    case CodecId::kRaw:
      return "raw";
    case CodecId::kBits:
      return "bits";
    case CodecId::kText:
      return "text";
  }
  return "unknown";
}

}  // namespace

std::string NameOf(std::string_view block) {
  if (block.empty()) return "unknown";
  const auto codec = static_cast<CodecId>(block[0]);
  std::string name(WordOf(codec));
  // Where the words of a float block begin.
  std::string_view words;
  if (codec == CodecId::kFloatBits) words = block.substr(1);
  if (codec == CodecId::kDecimal || codec == CodecId::kNearDecimal ||
      codec == CodecId::kSingleDecimal || codec == CodecId::kFloatSplit) {
    words = block.substr(std::min<size_t>(block.size(), 2));
  }
  if (words.empty()) return name;
  return name + "+" + std::string(WordOf(static_cast<CodecId>(words[0])));
}

}  // namespace varve::tsm::codec
