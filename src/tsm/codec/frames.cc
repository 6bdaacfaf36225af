#include "tsm/codec/frames.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/status.h"
#include "tsm/codec/bit_packing.h"
#include "tsm/codec/sizes.h"

namespace varve::tsm::codec {
namespace {

constexpr uint8_t kZigZagFlag = 0x80;

// How many values need exactly so many bits.
using WidthHistogram = std::array<uint32_t, 65>;

template <bool kZigZag>
uint64_t Residual(uint64_t value, uint64_t base) {
  const uint64_t difference = value - base;
  return kZigZag ? base::ZigZag(static_cast<int64_t>(difference)) : difference;
}

// The values of a frame, as something to count widths of.
class WideFrame {
 public:
  using Offset = uint64_t;  // of a value above the least

  explicit WideFrame(std::span<const uint64_t> values) : values_(values) {}

  template <bool kZigZag>
  WidthHistogram CountWidths(uint64_t base) const {
    // Two tables, so that neighbours of one width do not wait for each other's store.
    WidthHistogram even{};
    WidthHistogram odd{};
    size_t i = 0;
    for (; i + 2 <= values_.size(); i += 2) {
      ++even[std::bit_width(Residual<kZigZag>(values_[i], base))];
      ++odd[std::bit_width(Residual<kZigZag>(values_[i + 1], base))];
    }
    if (i < values_.size()) ++even[std::bit_width(Residual<kZigZag>(values_[i], base))];
    for (size_t w = 0; w <= 64; ++w) even[w] += odd[w];
    return even;
  }

 private:
  std::span<const uint64_t> values_;
};

// The same for values within kRangeMax of each other, as most are: eight at a time, and a pass for
// each width that occurs.
class NarrowFrame {
 public:
  using Offset = int16_t;
  static constexpr uint64_t kRangeMax = 0x7fff;

  NarrowFrame(std::span<const uint64_t> values, uint64_t low) : low_(low), count_(values.size()) {
    for (size_t i = 0; i < count_; ++i) offsets_[i] = static_cast<uint16_t>(values[i] - low);
  }

  // `base` is one of the values.
  template <bool kZigZag>
  WidthHistogram CountWidths(uint64_t base) const {
    std::array<uint16_t, kFrameValues> residuals;
    const auto offset = static_cast<uint16_t>(base - low_);
    uint16_t all = 0;
    for (size_t i = 0; i < count_; ++i) {
      const auto difference = static_cast<uint16_t>(offsets_[i] - offset);
      const auto sign = static_cast<uint16_t>(static_cast<int16_t>(difference) >> 15);
      residuals[i] = kZigZag ? static_cast<uint16_t>((difference << 1) ^ sign) : difference;
      all |= residuals[i];
    }
    WidthHistogram widths{};
    auto below = static_cast<uint16_t>(count_);  // values of less than the next width
    for (unsigned width = static_cast<unsigned>(std::bit_width(all)); width > 0; --width) {
      const auto limit = static_cast<uint16_t>(1U << (width - 1));
      uint16_t narrower = 0;
      for (size_t i = 0; i < count_; ++i) narrower += residuals[i] < limit;
      widths[width] = static_cast<uint32_t>(below - narrower);
      below = narrower;
    }
    widths[0] = below;
    // What lies below the base has wrapped around, here as it would in 64 bits.
    if (!kZigZag) std::swap(widths[16], widths[64]);
    return widths;
  }

 private:
  const uint64_t low_;
  const size_t count_;
  std::array<uint16_t, kFrameValues> offsets_;
};

size_t FrameBytes(const FramePlan& plan, size_t count) {
  size_t bytes = 1 + VarintBytes(plan.exceptions) + SignedVarintBytes(plan.base) +
                 PackedBytes(count, plan.width);
  if (plan.exceptions > 0) {
    bytes += 1 + PackedBytes(plan.exceptions, PositionWidth(count)) +
             PackedBytes(plan.exceptions, plan.high_width);
  }
  return bytes;
}

// The cheapest width for values distributed like `widths` above `base`.
FramePlan BestWidth(const WidthHistogram& widths, uint64_t base, bool zigzag, size_t count) {
  unsigned widest = 64;
  while (widest > 0 && widths[widest] == 0) --widest;
  FramePlan best;
  best.bytes = ~size_t{0};
  size_t above = 0;
  for (unsigned width = widest + 1; width-- > 0;) {
    FramePlan plan;
    plan.base = base;
    plan.zigzag = zigzag;
    plan.width = static_cast<uint8_t>(width);
    plan.exceptions = static_cast<uint16_t>(above);
    plan.high_width = static_cast<uint8_t>(widest - width);
    plan.bytes = FrameBytes(plan, count);
    if (plan.bytes < best.bytes) best = plan;
    above += widths[width];
  }
  return best;
}

template <bool kZigZag>
void EncodeFrame(std::span<const uint64_t> values, const FramePlan& plan, std::string& out) {
  std::array<uint64_t, kFrameValues> residuals;
  for (size_t i = 0; i < values.size(); ++i) residuals[i] = Residual<kZigZag>(values[i], plan.base);
  out.push_back(static_cast<char>(plan.width | (kZigZag ? kZigZagFlag : 0)));
  base::PutVarint(out, plan.exceptions);
  base::PutSignedVarint(out, static_cast<int64_t>(plan.base));
  PackBits({residuals.data(), values.size()}, plan.width, out);
  if (plan.exceptions == 0) return;

  std::array<uint64_t, kFrameValues> positions;
  std::array<uint64_t, kFrameValues> highs;
  size_t n = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t high = residuals[i] >> plan.width;
    positions[n] = i;
    highs[n] = high;
    n += high != 0;
    if (n == plan.exceptions) break;
  }
  out.push_back(static_cast<char>(plan.high_width));
  PackBits({positions.data(), n}, PositionWidth(values.size()), out);
  PackBits({highs.data(), n}, plan.high_width, out);
}

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed frame: offset=", in.offset());
}

absl::Status ApplyExceptions(base::ByteReader& in, unsigned width, size_t exceptions,
                             std::span<uint64_t> out) {
  uint8_t high_width;
  std::string_view packed_positions;
  std::string_view packed_highs;
  const unsigned position_width = PositionWidth(out.size());
  if (!in.GetFixed(&high_width) || high_width == 0 || width + high_width > 64 ||
      !in.GetBytes(PackedBytes(exceptions, position_width), &packed_positions) ||
      !in.GetBytes(PackedBytes(exceptions, high_width), &packed_highs)) {
    return Malformed(in);
  }
  std::array<uint64_t, kFrameValues> positions;
  std::array<uint64_t, kFrameValues> highs;
  UnpackBits(packed_positions.data(), position_width, {positions.data(), exceptions});
  UnpackBits(packed_highs.data(), high_width, {highs.data(), exceptions});
  for (size_t i = 0; i < exceptions; ++i) {
    if (positions[i] >= out.size()) return Malformed(in);
    out[positions[i]] |= highs[i] << width;
  }
  return absl::OkStatus();
}

absl::Status DecodeFrame(base::ByteReader& in, std::span<uint64_t> out) {
  uint8_t head;
  uint64_t exceptions;
  int64_t signed_base;
  if (!in.GetFixed(&head) || !in.GetVarint(&exceptions) || !in.GetSignedVarint(&signed_base)) {
    return Malformed(in);
  }
  const unsigned width = head & ~kZigZagFlag;
  std::string_view packed;
  if (width > 64 || exceptions > out.size() ||
      !in.GetBytes(PackedBytes(out.size(), width), &packed)) {
    return Malformed(in);
  }
  UnpackBits(packed.data(), width, out);
  if (exceptions > 0) RETURN_IF_ERROR(ApplyExceptions(in, width, exceptions, out));
  const auto base = static_cast<uint64_t>(signed_base);
  if ((head & kZigZagFlag) != 0) {
    for (uint64_t& value : out) value = static_cast<uint64_t>(base::UnZigZag(value)) + base;
  } else if (base != 0) {
    for (uint64_t& value : out) value += base;
  }
  return absl::OkStatus();
}

std::span<const uint64_t> FrameAt(std::span<const uint64_t> values, size_t at) {
  return values.subspan(at, std::min(kFrameValues, values.size() - at));
}

constexpr size_t kSample = 32;

// Values of a sample by rank: those of the bulk's ends, one behind an outlier, and the median.
struct SampleRanks {
  uint64_t second;
  uint64_t third;
  uint64_t median;
  uint64_t third_last;
};

// Values of T from `low` up, in the order they are drawn. Ranks are counted and not sorted for,
// which takes no branch.
template <typename T>
class Sample {
 public:
  explicit Sample(uint64_t low) : low_(low) {}

  void Set(size_t i, uint64_t value) { offsets_[i] = static_cast<T>(value - low_); }
  SampleRanks Rank() {
    below_.fill(0);
    for (size_t j = 0; j < kSample; ++j) {
      for (size_t i = 0; i < kSample; ++i) below_[i] += offsets_[j] < offsets_[i];
    }
    return {At(1), At(2), At(kSample / 2), At(kSample - 3)};
  }

 private:
  // The greatest value that no more than `rank` are below.
  uint64_t At(T rank) const {
    T value = 0;
    for (size_t i = 0; i < kSample; ++i) {
      const T mask = static_cast<T>(below_[i] <= rank ? -1 : 0);
      value = std::max(value, static_cast<T>(offsets_[i] & mask));
    }
    return low_ + static_cast<uint64_t>(value);
  }

  const uint64_t low_;
  std::array<T, kSample> offsets_;
  std::array<T, kSample> below_;  // how many values are less
};

// Picks the cheapest coding of 1 to kFrameValues values, which reach from `low` up by `range`.
template <typename Frame>
FramePlan PlanCounted(const Frame& frame, std::span<const uint64_t> values, uint64_t low,
                      uint64_t range) {
  const size_t count = values.size();
  FramePlan best = BestWidth(frame.template CountWidths<false>(low), low, /*zigzag=*/false, count);
  if (range < 2) return best;

  // Outliers on the low side spoil the minimum as a base: look at the bulk of a sample.
  Sample<typename Frame::Offset> sample(low);
  for (size_t i = 0; i < kSample; ++i) sample.Set(i, values[i * count / kSample]);
  const SampleRanks ranks = sample.Rank();
  const uint64_t bulk = ranks.third_last - ranks.third;
  if (std::bit_width(bulk) + 1 >= std::bit_width(range)) return best;
  const auto try_plan = [&best](const FramePlan& plan) {
    if (plan.bytes < best.bytes) best = plan;
  };
  try_plan(BestWidth(frame.template CountWidths<true>(ranks.median), ranks.median,
                     /*zigzag=*/true, count));
  try_plan(BestWidth(frame.template CountWidths<false>(ranks.second), ranks.second,
                     /*zigzag=*/false, count));
  return best;
}

FramePlan PlanFrame(std::span<const uint64_t> values) {
  auto low = static_cast<int64_t>(values[0]);
  auto high = low;
  for (const uint64_t value : values) {
    low = std::min(low, static_cast<int64_t>(value));
    high = std::max(high, static_cast<int64_t>(value));
  }
  const auto base = static_cast<uint64_t>(low);
  const uint64_t range = static_cast<uint64_t>(high) - base;
  if (range <= NarrowFrame::kRangeMax) {
    return PlanCounted(NarrowFrame(values, base), values, base, range);
  }
  return PlanCounted(WideFrame(values), values, base, range);
}

}  // namespace

FramesPlan PlanFrames(std::span<const uint64_t> values) {
  FramesPlan plan;
  for (size_t at = 0; at < values.size(); at += kFrameValues) {
    FramePlan& frame = plan.frames[at / kFrameValues];
    frame = PlanFrame(FrameAt(values, at));
    plan.bytes += frame.bytes;
  }
  return plan;
}

void EncodeFrames(std::span<const uint64_t> values, const FramesPlan& plan, std::string& out) {
  for (size_t at = 0; at < values.size(); at += kFrameValues) {
    const FramePlan& frame = plan.frames[at / kFrameValues];
    if (frame.zigzag) {
      EncodeFrame<true>(FrameAt(values, at), frame, out);
    } else {
      EncodeFrame<false>(FrameAt(values, at), frame, out);
    }
  }
}

absl::Status DecodeFrames(base::ByteReader& in, std::span<uint64_t> out) {
  for (size_t at = 0; at < out.size(); at += kFrameValues) {
    RETURN_IF_ERROR(DecodeFrame(in, out.subspan(at, std::min(kFrameValues, out.size() - at))));
  }
  return absl::OkStatus();
}

}  // namespace varve::tsm::codec
