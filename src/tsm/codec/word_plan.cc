#include "tsm/codec/word_plan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "tsm/codec/entropy.h"
#include "tsm/codec/residuals.h"
#include "tsm/codec/scale.h"
#include "tsm/codec/sizes.h"
#include "tsm/codec/word_dictionary.h"

namespace varve::tsm::codec {
namespace {

constexpr size_t kEntropySavingPercent = 5;

// What one pass over the words shows.
struct Shape {
  int64_t low;
  int64_t high;
  size_t runs = 1;
  bool one_step = true;
  uint64_t range() const { return static_cast<uint64_t>(high) - static_cast<uint64_t>(low); }
};

Shape Survey(std::span<const uint64_t> words) {
  Shape shape;
  shape.low = shape.high = static_cast<int64_t>(words[0]);
  const uint64_t step = words.size() > 1 ? words[1] - words[0] : 0;
  uint64_t off_step = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    const auto word = static_cast<int64_t>(words[i]);
    shape.low = std::min(shape.low, word);
    shape.high = std::max(shape.high, word);
    const uint64_t difference = words[i] - words[i - 1];
    shape.runs += difference != 0;
    off_step |= difference ^ step;
  }
  shape.one_step = off_step == 0;
  return shape;
}

constexpr std::array kPackedCodecs = {CodecId::kPacked, CodecId::kDelta, CodecId::kDelta2};

// About how many bits the residuals of order 0, 1 and 2 take: the mean width of the differences
// between those of a sample.
std::array<double, 3> SampleWidths(std::span<const uint64_t> words) {
  constexpr size_t kSample = 32;
  std::array<double, 3> widths{};
  std::array<uint64_t, 3> last{};
  for (size_t s = 0; s <= kSample; ++s) {
    const size_t i = 2 + s * (words.size() - 3) / kSample;
    const uint64_t step = words[i] - words[i - 1];
    const std::array<uint64_t, 3> now = {words[i], step, step - (words[i - 1] - words[i - 2])};
    for (size_t order = 0; order < 3 && s > 0; ++order) {
      widths[order] += std::bit_width(base::ZigZag(static_cast<int64_t>(now[order] - last[order])));
    }
    last = now;
  }
  for (double& width : widths) width /= kSample;
  return widths;
}

// The orders of difference that may turn out the cheapest: all of a short block, otherwise those
// within a margin of the best on a sample.
std::array<bool, 3> WorthPlanning(std::span<const uint64_t> words) {
  constexpr size_t kSmallBlock = 128;
  constexpr double kMarginBits = 1.25;
  if (words.size() < kSmallBlock) return {true, true, true};
  const std::array<double, 3> widths = SampleWidths(words);
  const double limit = *std::min_element(widths.begin(), widths.end()) + kMarginBits;
  return {widths[0] <= limit, widths[1] <= limit, widths[2] <= limit};
}

size_t HeadBytes(const ResidualForm& form) {
  return 1 + SignedVarintBytes(form.base) + VarintBytes(form.scale) +
         (form.order == 2 ? SignedVarintBytes(form.first_delta) : 0);
}

void Consider(WordPlan& best, WordPlan candidate) {
  if (candidate.bytes < best.bytes) best = std::move(candidate);
}

WordPlan PlanPacked(std::span<const uint64_t> words, CodecId codec, uint64_t scale,
                    const ResidualBuffer& residuals) {
  const ResidualForm form = FormOf(words, DeltaOrder(codec), scale);
  WordPlan plan;
  plan.codec = codec;
  plan.base = form.base;
  plan.scale = form.scale;
  plan.frames = PlanFrames(residuals.values());
  plan.bytes = HeadBytes(form) + plan.frames.bytes;
  return plan;
}

// The entropy coding that looks best, if it saves enough of `packed_bytes` to be worth its slower
// reading.
std::optional<WordPlan> PlanEntropy(std::span<const uint64_t> words, uint64_t scale,
                                    const std::array<bool, 3>& worth, size_t packed_bytes) {
  std::optional<EntropyModel> best_model;
  WordPlan best;
  best.bytes = packed_bytes - packed_bytes * kEntropySavingPercent / 100;
  ResidualBuffer residuals;
  for (const CodecId codec : {CodecId::kEntropy, CodecId::kDeltaEntropy, CodecId::kDelta2Entropy}) {
    if (!worth[DeltaOrder(codec)]) continue;
    const ResidualForm form = FormOf(words, DeltaOrder(codec), scale);
    residuals.Fill(words, form);
    auto model = EntropyModel::Count(residuals.values());
    if (!model) continue;
    const size_t bytes = HeadBytes(form) + model->EstimateBytes();
    if (bytes > best.bytes) continue;
    best_model = std::move(model);
    best.codec = codec;
    best.base = form.base;
    best.scale = form.scale;
    best.bytes = bytes;
  }
  if (!best_model) return std::nullopt;
  const ResidualForm form = FormOf(words, DeltaOrder(best.codec), scale);
  residuals.Fill(words, form);
  best_model->Encode(residuals.values(), best.entropy);
  best.bytes = HeadBytes(form) + best.entropy.size();
  return best;
}

WordPlan PlanNested(CodecId codec, NestedStreams streams, const EncodeOptions& options) {
  WordPlan plan;
  plan.codec = codec;
  plan.nested = std::make_unique<NestedStreams>(std::move(streams));
  NestedStreams& nested = *plan.nested;
  nested.values_plan = PlanWords(nested.values, options, 0);
  nested.indexes_plan = PlanWords(nested.indexes, options, 0);
  plan.bytes =
      1 + VarintBytes(nested.values.size()) + nested.values_plan.bytes + nested.indexes_plan.bytes;
  return plan;
}

}  // namespace

WordPlan::WordPlan() = default;
WordPlan::~WordPlan() = default;
WordPlan::WordPlan(WordPlan&&) noexcept = default;
WordPlan& WordPlan::operator=(WordPlan&&) noexcept = default;

WordPlan PlanWords(std::span<const uint64_t> words, const EncodeOptions& options, int depth) {
  const Shape shape = Survey(words);
  WordPlan best;
  best.base = words[0];
  if (shape.runs == 1) {
    best.codec = CodecId::kConstant;
    best.bytes = 1 + SignedVarintBytes(words[0]);
    return best;
  }
  if (shape.one_step) {
    best.codec = CodecId::kStep;
    best.bytes = 1 + SignedVarintBytes(words[0]) + SignedVarintBytes(words[1] - words[0]);
    return best;
  }
  best.bytes = ~size_t{0};
  const uint64_t scale = CommonFactor(words, shape.range());
  ResidualBuffer residuals;
  const std::array<bool, 3> worth = WorthPlanning(words);
  for (size_t order = 0; order < kPackedCodecs.size(); ++order) {
    const CodecId codec = kPackedCodecs[order];
    if (!worth[order]) continue;
    residuals.Fill(words, FormOf(words, DeltaOrder(codec), scale));
    Consider(best, PlanPacked(words, codec, scale, residuals));
  }
  const size_t packed_bytes = best.bytes;
  if (options.cold) {
    if (auto plan = PlanEntropy(words, scale, worth, packed_bytes))
      Consider(best, *std::move(plan));
  }
  if (depth > 0) {
    if (shape.runs <= words.size() / 4) {
      Consider(best, PlanNested(CodecId::kRuns, SplitRuns(words, shape.runs), options));
    }
    if (packed_bytes > words.size() / (options.cold ? 2 : 1)) {
      if (auto streams = SplitDictionary(words)) {
        Consider(best, PlanNested(CodecId::kWordDictionary, *std::move(streams), options));
      }
    }
  }
  return best;
}

void WriteWords(std::span<const uint64_t> words, const WordPlan& plan, std::string& out) {
  out.push_back(static_cast<char>(plan.codec));
  switch (plan.codec) {
    case CodecId::kConstant:
      base::PutSignedVarint(out, static_cast<int64_t>(words[0]));
      return;
    case CodecId::kStep:
      base::PutSignedVarint(out, static_cast<int64_t>(words[0]));
      base::PutSignedVarint(out, static_cast<int64_t>(words[1] - words[0]));
      return;
    case CodecId::kRuns:
    case CodecId::kWordDictionary:
      base::PutVarint(out, plan.nested->values.size());
      WriteWords(plan.nested->values, plan.nested->values_plan, out);
      WriteWords(plan.nested->indexes, plan.nested->indexes_plan, out);
      return;
    default:
      break;
  }
  const ResidualForm form = FormOf(words, DeltaOrder(plan.codec), plan.scale);
  base::PutSignedVarint(out, static_cast<int64_t>(form.base));
  base::PutVarint(out, form.scale);
  if (form.order == 2) base::PutSignedVarint(out, static_cast<int64_t>(form.first_delta));
  if (!plan.entropy.empty()) {
    out += plan.entropy;
    return;
  }
  ResidualBuffer residuals;
  residuals.Fill(words, form);
  EncodeFrames(residuals.values(), plan.frames, out);
}

}  // namespace varve::tsm::codec
