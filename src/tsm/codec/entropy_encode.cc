#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tsm/codec.h"
#include "tsm/codec/bit_stream.h"
#include "tsm/codec/entropy.h"
#include "tsm/codec/entropy_format.h"
#include "tsm/codec/sizes.h"

namespace varve::tsm::codec {
namespace {

using namespace entropy;

uint64_t DistanceFrom(uint64_t centre, uint64_t residual) {
  return base::ZigZag(static_cast<int64_t>(residual - centre));
}

// The middle of a sample.
uint64_t CentreOf(std::span<const uint64_t> residuals) {
  constexpr size_t kSample = 63;
  std::array<int64_t, kSample> sample;
  for (size_t i = 0; i < kSample; ++i) {
    sample[i] = static_cast<int64_t>(residuals[i * residuals.size() / kSample]);
  }
  std::nth_element(sample.begin(), sample.begin() + kSample / 2, sample.end());
  return static_cast<uint64_t>(sample[kSample / 2]);
}

// A finer table tells rare tokens apart, and takes longer to spread for reading.
unsigned TableBits(size_t count) {
  return std::clamp(static_cast<unsigned>(std::bit_width(count)), 10U, kTableBitsMax);
}

using Shares = std::array<uint32_t, kTokens>;

// Shares in proportion to the counts, at least 1, that add up to 2^table_bits.
Shares SharesOf(const uint32_t* counts, uint32_t count, unsigned token_max, unsigned table_bits) {
  const uint32_t table = 1U << table_bits;
  Shares shares{};
  int64_t left = table;
  for (unsigned token = 0; token <= token_max; ++token) {
    if (counts[token] == 0) continue;
    const uint64_t share = (uint64_t{counts[token]} * table + count / 2) / count;
    shares[token] = std::max<uint32_t>(1, static_cast<uint32_t>(share));
    left -= shares[token];
  }
  // What rounding left over or took too much is settled with the token that it hurts least: one
  // more or less of s changes the cost of a token by about count / s.
  while (left != 0) {
    const bool give = left > 0;
    unsigned best = kTokens;
    double best_change = 0;
    for (unsigned token = 0; token <= token_max; ++token) {
      const uint32_t share = shares[token];
      if (share == 0 || (!give && share == 1)) continue;
      const double change = counts[token] / (share + (give ? 0.5 : -0.5));
      if (best == kTokens || (give ? change > best_change : change < best_change)) {
        best = token;
        best_change = change;
      }
    }
    shares[best] += give ? 1 : -1;
    left += give ? -1 : 1;
  }
  return shares;
}

void WriteTable(const Shares& shares, unsigned token_max, unsigned table_bits, std::string& out) {
  out.push_back(static_cast<char>(table_bits));
  base::PutVarint(out, token_max + 1);
  BitWriter bits(out);
  for (unsigned token = 0; token <= token_max; ++token) {
    const uint32_t share = shares[token];
    const auto width = static_cast<unsigned>(std::bit_width(share));
    bits.Put(width, kShareWidthBits);
    if (share > 0) {
      bits.Put(share - (1U << (width - 1)), width - 1);
      continue;
    }
    unsigned skipped = 0;
    while (skipped < (1U << kSkipBits) - 1 && shares[token + 1] == 0) {
      ++token;
      ++skipped;
    }
    bits.Put(skipped, kSkipBits);
  }
  bits.Finish();
}

}  // namespace

std::optional<EntropyModel> EntropyModel::Count(std::span<const uint64_t> residuals) {
  EntropyModel model;
  model.centre_ = CentreOf(residuals);
  model.count_ = static_cast<uint32_t>(residuals.size());
  model.counts_ = std::make_unique<uint32_t[]>(kTokens);
  for (const uint64_t residual : residuals) {
    const uint64_t distance = DistanceFrom(model.centre_, residual);
    if (distance >> kMagnitudeBits != 0) return std::nullopt;
    ++model.counts_[TokenOf(distance)];
  }
  size_t present = 0;
  for (unsigned token = 0; token < kTokens; ++token) {
    if (model.counts_[token] == 0) continue;
    ++present;
    model.token_max_ = token;
  }
  if (present > kPresentTokensMax) return std::nullopt;
  return model;
}

size_t EntropyModel::EstimateBytes() const {
  constexpr double kBytesPerToken = 1.3;  // of the table
  const double log_count = std::log2(count_);
  double bits = 0;
  double table = 0;
  for (unsigned token = 0; token <= token_max_; ++token) {
    if (counts_[token] == 0) continue;
    bits += counts_[token] * (log_count - std::log2(counts_[token]) + ExtraBits(token));
    table += kBytesPerToken;
  }
  constexpr size_t kHead = 6;  // sizes of table, tokens and words, and rounding up
  return SignedVarintBytes(centre_) + kHead + 2 * kStates + static_cast<size_t>(table + bits / 8);
}

void EntropyModel::Encode(std::span<const uint64_t> residuals, std::string& out) const {
  base::PutSignedVarint(out, static_cast<int64_t>(centre_));
  const unsigned table_bits = TableBits(count_);
  const Shares shares = SharesOf(counts_.get(), count_, token_max_, table_bits);
  WriteTable(shares, token_max_, table_bits, out);

  std::array<uint32_t, kTokens> starts;
  uint32_t start = 0;
  for (unsigned token = 0; token <= token_max_; ++token) {
    starts[token] = start;
    start += shares[token];
  }
  // rANS works like a stack: coded from the last value to the first, and the words reversed.
  std::vector<uint16_t> words;
  words.reserve(residuals.size());
  std::array<uint32_t, kStates> states;
  states.fill(kStateLow);
  for (size_t i = residuals.size(); i-- > 0;) {
    const unsigned token = TokenOf(DistanceFrom(centre_, residuals[i]));
    const uint32_t share = shares[token];
    uint32_t state = states[i % kStates];
    if (state >= (uint64_t{share} << (32 - table_bits))) {
      words.push_back(static_cast<uint16_t>(state));
      state >>= 16;
    }
    states[i % kStates] = ((state / share) << table_bits) + starts[token] + state % share;
  }
  base::PutVarint(out, words.size());
  for (const uint32_t state : states) base::PutFixed(out, state);
  for (size_t i = words.size(); i-- > 0;) base::PutFixed(out, words[i]);

  BitWriter bits(out);
  for (const uint64_t residual : residuals) {
    const uint64_t distance = DistanceFrom(centre_, residual);
    const unsigned token = TokenOf(distance);
    bits.Put(distance - DistanceOf(token), ExtraBits(token));
  }
  bits.Finish();
}

}  // namespace varve::tsm::codec
